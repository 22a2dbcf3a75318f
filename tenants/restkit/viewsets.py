"""What every endpoint is made of.

`TenantViewSet` gives `self.tenant`, `self.actor`, the role for each action (`verbs`), lists with pages, filters and
order, single objects with their ETag, `If-Match`, `Idempotency-Key`, and errors. A resource adds its serializer, its
filter and its writes, each one call to a service.
"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Tenant, User
from tenants.restkit import access, etags
from tenants.restkit.idempotent import IdempotentView
from tenants.restkit.permissions import SignedIn, TenantRight
from tenants.roles import Verb, who_may

ID = "[a-z2-7]{12}"


class KitViewSet(IdempotentView, GenericViewSet[Any]):
    """For whoever is signed in, without a tenant. `lookup_value_regex`: nothing else is looked up; `filtered_actions`:
    lists are filtered, one object is named by its URL."""

    permission_classes: tuple[type[BasePermission], ...] = (SignedIn,)
    lookup_value_regex = ID
    filtered_actions: ClassVar[frozenset[str]] = frozenset({"list"})

    @property
    def access(self) -> access.Access:
        return access.of(self.request._request)

    @property
    def user(self) -> User:
        return self.access.signed_in().user

    @property
    def actor(self) -> Actor:
        return self.access.actor(access.address_of(self.request._request))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().filter_queryset(queryset) if self.action in self.filtered_actions else queryset

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

    def require(self, verb: Verb) -> None:
        """Beside the action's own right, where what was sent asks for more. Raise `Forbidden`."""
        if not self.access.may(verb):
            raise Forbidden(verb, [str(role) for role in who_may(verb)])


class TenantViewSet(mixins.ListModelMixin, TenantView):
    """Lists and shows; the resource adds what changes."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())
