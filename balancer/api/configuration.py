"""The configuration as a whole: as it is wanted and as it runs, checked, taken along, brought back; and a reload."""

from typing import IO, Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api import cfg_reader, documents, imports, portable, protecting, terraform
from balancer.api.changes import ChangeSerializer, ChangeView
from balancer.api.documents import Document
from balancer.api.imports import MODES, ImportedSerializer
from balancer.api.plans import Plan
from balancer.fleet.models import Edit
from balancer.haproxy import shown
from balancer.queries import changes, desired_state, fleet_state, names
from balancer.services import checks, deployments, releases, staging
from balancer.services.importing import How
from tenants.errors import InvalidField
from tenants.restkit.parsers import Limited, ObjectParser
from tenants.restkit.schema import Schema
from tenants.restkit.serializers import StrictSerializer
from tenants.roles import Verb

YAML = ("application/yaml", "application/x-yaml", "text/yaml")
TYPES = {
    "json": "application/json", "yaml": "application/yaml; charset=utf-8", "haproxy": "text/plain; charset=utf-8",
    "terraform": "text/plain; charset=utf-8",
}  # fmt: skip
SUFFIX = {"json": "json", "yaml": "yaml", "haproxy": "cfg", "terraform": "tf"}
FORMAT = OpenApiParameter("format", str, enum=list(TYPES))
HOST = OpenApiParameter(
    "host", str, description="Of an haproxy.cfg: the hosts for sites that answer to any name; several with commas."
)
PARTIAL = OpenApiParameter(
    "partial", bool, description="Of an haproxy.cfg: import it even though lines are refused, without them."
)
HOW = [
    OpenApiParameter("mode", str, enum=list(MODES)), OpenApiParameter("dry_run", bool), HOST, PARTIAL,
    OpenApiParameter("format", str, enum=["json", "yaml", "haproxy"], description="What the body is, if not its type."),
]  # fmt: skip
BODIES = {"application/json": dict, "application/yaml": str, "text/plain": str}


class YamlParser(BaseParser):
    """The text, unread: `documents` reads it."""

    media_type = "application/yaml"

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            return {"text": Limited(stream).read().decode()}
        except UnicodeDecodeError as error:
            raise documents.Unreadable("The document is not UTF-8.") from error


class XYamlParser(YamlParser):
    media_type = "application/x-yaml"


class TextYamlParser(YamlParser):
    media_type = "text/yaml"


class PlainParser(YamlParser):
    """An haproxy.cfg, unread."""

    media_type = "text/plain"


class HaproxySerializer(StrictSerializer):
    """An haproxy.cfg together with the maps that it names."""

    haproxy = serializers.CharField(trim_whitespace=False)
    files = serializers.DictField(child=serializers.CharField(trim_whitespace=False, allow_blank=True), default=dict)


class NodeStateSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    revision = serializers.IntegerField(allow_null=True, help_text="What it said that it runs.")
    state = serializers.CharField()
    in_step = serializers.BooleanField()


class ConfigurationSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(allow_null=True, help_text="The newest.")
    digest = serializers.CharField(allow_null=True)
    deploy = serializers.CharField()
    waiting = serializers.IntegerField(help_text="Changes that are saved and in no revision.")
    drift = serializers.BooleanField(help_text="Some node does not run the newest revision.")
    nodes = NodeStateSerializer(many=True)
    desired = serializers.DictField(help_text="The document that an export writes.")


class ValidSerializer(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    haproxy = serializers.BooleanField(help_text="Whether the real HAProxy was asked.")
    note = serializers.CharField()


class ReloadFormSerializer(StrictSerializer):
    force = serializers.BooleanField(default=True, help_text="Have the nodes reload even when nothing differs.")


class ReloadedSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(allow_null=True)
    nodes = serializers.ListField(child=serializers.CharField(), help_text="Those that were asked to reload.")
    waiting = serializers.IntegerField(help_text="Staged changes stay where they are.")
    change = ChangeSerializer(allow_null=True)


class ConfigurationViewSet(ChangeView):
    queryset = Edit.objects.none()
    serializer_class = ConfigurationSerializer
    pagination_class = None
    filter_backends = ()
    schema = Schema()
    parser_classes = (ObjectParser, YamlParser, XYamlParser, TextYamlParser, PlainParser)
    verbs: ClassVar[dict[str, Verb]] = {
        "show": Verb.VIEW, "metadata": Verb.VIEW, "export": Verb.VIEW, "validate": Verb.EDIT, "import_": Verb.EDIT,
    }  # fmt: skip
    throttle_class_names: ClassVar[dict[str, str]] = {"validate": "expensive", "import_": "expensive"}

    @extend_schema(responses=ConfigurationSerializer)
    def show(self, request: Request, **_: Any) -> Response:
        """Show what is wanted, which revision each node runs, and whether they are in step."""
        state = fleet_state.of(self.tenant.pk)
        delivery = staging.delivery_of(self.tenant.pk)
        body = {
            "revision": state.revision,
            "digest": state.digest,
            "deploy": delivery.deploy,
            "waiting": Edit.objects.filter(tenant=self.tenant, revision=None).count(),
            "drift": not all(node.in_step for node in state.nodes),
            "nodes": state.nodes,
            "desired": portable.written(self.tenant),
        }
        return Response(ConfigurationSerializer(body).data)

    @extend_schema(
        parameters=[FORMAT],
        responses={(200, "application/octet-stream"): str},
    )
    @action(detail=False)
    def export(self, request: Request, **_: Any) -> HttpResponse:
        """Take the configuration along: the same rows give the same text, and no secret is in it."""
        form = request.query_params.get("format", "json")
        if form not in TYPES:
            raise InvalidField("format", f"This is one of {', '.join(TYPES)}.")
        name = f'attachment; filename="{self.tenant.slug}.{SUFFIX[form]}"'
        return HttpResponse(self.text(form), content_type=TYPES[form], headers={"Content-Disposition": name})

    def text(self, form: str) -> str:
        if form == "haproxy":
            return shown.own_part(names.resolved(desired_state.of(self.tenant), self.tenant.pk))
        write = {"json": portable.as_json, "yaml": portable.as_yaml, "terraform": terraform.as_terraform}[form]
        return write(portable.written(self.tenant))

    @extend_schema(parameters=[HOST], request=BODIES, responses=ValidSerializer)
    @action(detail=False, methods=["post"])
    def validate(self, request: Request, **_: Any) -> Response:
        """Check a document as if it replaced everything, or with an empty body what is saved: our rules, then the real
        HAProxy. Changes nothing; what is wrong is said with a pointer."""
        if request.data:
            plan = Plan(self.document(), replace=True)
            protection = protecting.wanted(plan.protection)
            verdict = checks.of_operations(
                self.tenant, plan.operations, plan.pointer, by=self.actor, now=self.now,
                beside=lambda: protecting.bring(protection, by=self.actor, now=self.now),
            )  # fmt: skip
        else:
            verdict = checks.of_rows(self.tenant)
        return Response({"valid": True, "haproxy": verdict.asked, "note": verdict.note})

    @extend_schema(
        parameters=HOW,
        request=BODIES,
        responses=ImportedSerializer,
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_(self, request: Request, **_: Any) -> Response:
        """Bring a document in, all or nothing: `merge` adds and changes, `replace` also takes away what it has not.

        An existing haproxy.cfg is sent as `text/plain`, or as JSON with the maps that it names: `{"haproxy": text,
        "files": {name: text}}`. Its frontends, backends, listens, ACLs and defaults become
        pools, backends, routes and listeners; `lines` says of every line of the file, exactly once, whether it is
        `managed` (with the names of the objects), kept as a `note`, or `refused`, and why. While lines are refused
        nothing is imported but with `partial=true`. Begin with `dry_run=true`.
        """
        mode = self.request.query_params.get("mode", "merge")
        if mode not in MODES:
            raise InvalidField("mode", "This is merge or replace.")
        how = How(replace=mode == "replace", dry_run=self.flag("dry_run"), partial=self.flag("partial"))
        brought = imports.bring(self.document(), how, by=self.actor, now=self.now, require=self.require)
        change = self.change(brought.edits[-1]) if brought.edits and not how.dry_run else None
        return Response(ImportedSerializer({**brought.shown(), "mode": mode, "change": change}).data)

    def flag(self, name: str) -> bool:
        value = self.request.query_params.get(name, "false").lower()
        if value not in ("true", "false"):
            raise InvalidField(name, "This is true or false.")
        return value == "true"

    def document(self) -> Document:
        """By what its type says, or `format`."""
        sent: dict[str, Any] = self.request.data  # type: ignore[assignment]
        kind = str(self.request.content_type).partition(";")[0].strip().lower()
        usual = "yaml" if kind in YAML else "haproxy" if kind == "text/plain" else "json"
        form = self.request.query_params.get("format", usual)
        if usual == "json":
            if "haproxy" in sent and form in ("json", "haproxy"):
                with_maps = HaproxySerializer(data=sent)
                with_maps.is_valid(raise_exception=True)
                told = with_maps.validated_data
                return cfg_reader.read(told["haproxy"], self.request.query_params.getlist("host"), told["files"])
            if form != "json":
                raise InvalidField("format", "The body is JSON by its Content-Type; send text/plain.")
            return documents.of_data(sent)
        text = str(sent["text"])
        if form == "haproxy":
            return cfg_reader.read(text, self.request.query_params.getlist("host"))
        if form not in documents.READERS:
            raise InvalidField("format", f"This is one of {', '.join([*documents.READERS, 'haproxy'])}.")
        return documents.read(text, form)


class ReloadViewSet(ChangeView):
    queryset = Edit.objects.none()
    serializer_class = ReloadFormSerializer
    pagination_class = None
    filter_backends = ()
    schema = Schema()
    throttle_class_name = "expensive"
    verbs: ClassVar[dict[str, Verb]] = {"create": Verb.DEPLOY, "metadata": Verb.DEPLOY}

    @extend_schema(request=ReloadFormSerializer, responses={202: ReloadedSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Deploy now what is due, and have the nodes load their files anew even when nothing differs."""
        form = ReloadFormSerializer(data=request.data or {})
        form.is_valid(raise_exception=True)
        releases.at_once(self.tenant.pk, now=self.now)
        number = fleet_state.newest(self.tenant.pk)
        nodes = deployments.reload_cluster(self.tenant.pk, now=self.now) if form.validated_data["force"] else []
        change = self.awaited(lambda: changes.of_revision(self.tenant.pk, number)) if number else None
        body = {"revision": number, "nodes": nodes, "waiting": len(staging.pending(self.tenant.pk)), "change": change}
        return Response(body, status=202)
