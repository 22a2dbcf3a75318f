"""What every endpoint is made of.

`TenantViewSet` gives `self.tenant`, `self.actor`, the role for each action (`verbs`), lists with pages, filters and
order, single objects with their ETag, `If-Match`, `Idempotency-Key`, and errors. A resource adds its serializer, its
filter and its writes, each one call to a service.
"""

from contextlib import ExitStack
from typing import Any, ClassVar

from rest_framework import mixins
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.actor import Actor
from tenants.models import Tenant, User
from tenants.restkit import access, etags, idempotency
from tenants.restkit.permissions import SignedIn, TenantRight
from tenants.roles import Verb

ID = "[a-z2-7]{12}"


class KitViewSet(GenericViewSet[Any]):
    """For whoever is signed in, without a tenant. `lookup_value_regex`: nothing else is looked up."""

    permission_classes: tuple[type[BasePermission], ...] = (SignedIn,)
    lookup_value_regex = ID

    _claim: idempotency.Claim | None = None

    @property
    def access(self) -> access.Access:
        return access.of(self.request._request)

    @property
    def user(self) -> User:
        return self.access.signed_in().user

    @property
    def actor(self) -> Actor:
        return self.access.actor(access.address_of(self.request._request))

    def get_object(self) -> Any:
        obj = super().get_object()
        if self.request.method in ("PUT", "PATCH", "DELETE"):
            etags.check(self.request, obj)
        return obj

    def answer(self, obj: Any, *, status: int = 200, **more: Any) -> Response:
        """The object as its serializer shows it, with its ETag; `more` is added beside its fields."""
        tag = etags.etag_of(obj)
        content = {**self.get_serializer(obj).data, **more}
        return Response(content, status=status, headers={"ETag": tag} if tag else None)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._claim = None
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            self._claim_key(request)

    def _claim_key(self, request: Request) -> None:
        found = self.access
        whose = f"{found.tenant.pk if found.tenant else ''}|{found.caller.key if found.caller else ''}"
        match idempotency.claim(request, whose=whose):
            case idempotency.Claim() as claim:
                self._claim = claim
            case Response() as first:
                raise Replay(first)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            return exc.response
        with ExitStack() as when_it_is_raised_again:
            if self._claim is not None:
                when_it_is_raised_again.callback(self._claim.drop)
            response = super().handle_exception(exc)
            when_it_is_raised_again.pop_all()
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None and isinstance(final, Response):
            self._claim.keep(final)
        return final


class Replay(Exception):
    """Carries the first answer past the handler."""

    def __init__(self, response: Response) -> None:
        self.response = response


READ: dict[str, Verb] = {"list": Verb.VIEW, "retrieve": Verb.VIEW, "metadata": Verb.VIEW}
WRITE: dict[str, Verb] = dict.fromkeys(("create", "update", "partial_update", "destroy"), Verb.EDIT)


class TenantView(KitViewSet):
    """Needs a tenant and a right in it; brings no action of its own.

    `verbs` names the right of each action: `verbs = {**TenantView.verbs, "drain": Verb.RUNTIME}`.
    """

    permission_classes = (TenantRight,)
    verbs: ClassVar[dict[str, Verb]] = {**READ, **WRITE}

    @property
    def tenant(self) -> Tenant:
        return self.access.here()


class TenantViewSet(mixins.ListModelMixin, TenantView):
    """Lists and shows; the resource adds what changes."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())
