"""What is done to one's own account: by people, never by a key, which speaks for its maker in one tenant only."""

from rest_framework.request import Request

from tenants.actor import Actor
from tenants.models import User
from tenants.restkit.access import Access, Caller, address_of, of
from tenants.restkit.idempotent import IdempotentView


class OwnView(IdempotentView):
    """`changes_credentials`: what a tenant's own provider must not do in their name, for it has them elsewhere too."""

    keys_may_read = False
    changes_credentials = False

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        reading = request.method in ("GET", "HEAD", "OPTIONS")
        if not (reading and self.keys_may_read):
            self.access.require_person(credentials=self.changes_credentials and not reading)

    @property
    def access(self) -> Access:
        return of(self.request._request)

    @property
    def caller(self) -> Caller:
        return self.access.signed_in()

    @property
    def person(self) -> User:
        return self.caller.user

    @property
    def actor(self) -> Actor:
        return self.access.actor(address_of(self.request._request))
