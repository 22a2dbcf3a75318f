"""Import: a text is looked at first, line by line; then all of it is brought in, or nothing."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from balancer.console import words
from balancer.console.frame import page
from balancer.console.revisions import DifferenceRow, rows_of
from balancer.console.saving import saved, say_saved
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.haproxy.cfg.sections import TEXT_MAX
from balancer.services import importing
from balancer.services.importing import Brought, How
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.console.sentences import sentence, translated
from tenants.errors import Forbidden, Refused
from tenants.restkit import access
from tenants.roles import Verb, who_may

FORMS = [
    ("auto", gettext_lazy("As the text looks")),
    ("haproxy", "haproxy.cfg"),
    ("json", "JSON"),
    ("yaml", "YAML"),
]
MODES = [
    ("merge", gettext_lazy("Add and change; what is not in it stays")),
    ("replace", gettext_lazy("Replace: what is not in it is deleted")),
]
FATES = {
    Fate.MANAGED.value: gettext_lazy("Managed"),
    Fate.NOTE.value: gettext_lazy("Note"),
    Fate.REFUSED.value: gettext_lazy("Refused"),
}
SHOWN = 2000  # lines in one page; what is refused is always among them


class ImportForm(ConsoleForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy("An haproxy.cfg, or an export in JSON or YAML. It takes the place of the text below."),
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "wrap": "off", "class": "mono"}),
    )
    form = forms.ChoiceField(label=gettext_lazy("What it is"), choices=FORMS, initial="auto")
    mode = forms.ChoiceField(label=gettext_lazy("How"), choices=MODES, initial="merge")
    host = forms.CharField(
        label=gettext_lazy("Hosts for sites that name none"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy(
            "Of an haproxy.cfg whose frontends answer to any name: www.example.com, several with commas."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        sent = cleaned.pop("file", None)
        if sent is not None:
            cleaned["text"] = self._read(sent)
        if not cleaned.get("text", "").strip() and not self.errors:
            self.add_error("text", _("Choose a file, or paste a text."))
        return cleaned

    def _read(self, sent: Any) -> str:
        if sent.size > 4 * TEXT_MAX:
            self.add_error("file", _("The file is too large; import it in parts."))
            return ""
        try:
            return str(sent.read().decode())
        except UnicodeDecodeError:
            self.add_error("file", _("The file is no text in UTF-8."))
            return ""

    def show(self, refused: Refused) -> None:
        """Errors of objects have no field: above the form, with their line."""
        self.codes = {error.code for error in refused.errors}
        for error in refused.errors:
            name = self.field_of(error.pointer)
            self.add_error(name, sentence(error) if name else f"{_where(error.pointer)}{sentence(error)}")
        if not refused.errors:
            self.add_error(None, sentence(refused))
        self.lead_to_first_error()


def _where(pointer: str) -> str:
    parts = pointer.strip("/").split("/")
    if parts[0] == "lines" and len(parts) > 1:
        return _("Line %(line)s: ") % {"line": parts[1]}
    return f"{pointer}: " if pointer else ""


@dataclass(frozen=True, slots=True)
class LineRow:
    told: Told

    @property
    def word(self) -> Promise | str:
        return FATES[self.told.fate.value]

    @property
    def sentence(self) -> str:
        return translated(self.told.sentence) if self.told.sentence else ""


@dataclass(frozen=True, slots=True)
class Count:
    kind: Promise | str
    numbers: dict[str, int]

    @property
    def text(self) -> str:
        said = {
            "created": _("%(n)s new"), "updated": _("%(n)s changed"), "deleted": _("%(n)s deleted"),
            "unchanged": _("%(n)s as it is"),
        }  # fmt: skip
        return ", ".join(word % {"n": self.numbers[name]} for name, word in said.items() if self.numbers[name])


def counts_of(counts: Mapping[str, dict[str, int]]) -> list[Count]:
    return [Count(words.KIND.get(kind, _("Protection")), n) for kind, n in counts.items() if any(n.values())]


def lines_of(told: Sequence[Told], only: str) -> list[LineRow]:
    """Those with the fate `only`, or all; of a long file what was refused is always among them."""
    wanted = [one for one in told if only in ("", one.fate.value)]
    return [LineRow(one) for at, one in enumerate(wanted) if at < SHOWN or one.fate is Fate.REFUSED]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the look found."""

    brought: Brought
    only: str

    @property
    def lines(self) -> list[LineRow]:
        return lines_of(self.brought.told, self.only)

    @property
    def differences(self) -> list[DifferenceRow]:
        return rows_of(self.brought.differences)

    @property
    def counts(self) -> list[Count]:
        return counts_of(self.brought.counts)

    @property
    def notes(self) -> list[str]:
        return [translated(note) for note in self.brought.notes]

    @property
    def refused(self) -> int:
        return self.brought.fates[Fate.REFUSED.value]


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_page(Verb.EDIT)
def index(request: TenantRequest) -> HttpResponse:
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _shown(request, form, None)
    asked = dict(form.cleaned_data)
    asks = request.POST.get("step") == "import"
    means_it = asks and request.POST.get("seen") == _digest(asked)
    how = How(replace=asked["mode"] == "replace", dry_run=not means_it, partial="partial" in request.POST)
    found = saved(form, lambda: _bring(request, asked, how))
    if found is not None and means_it:
        say_saved(request, _("It is imported."))
        if found.report:
            return redirect("console:import-report", request.tenant.slug, found.report)
        return redirect("console:routes", request.tenant.slug)
    if found is None and means_it:  # show again what there is to say of it
        with suppress(Refused):
            found = _bring(request, asked, How(how.replace, dry_run=True))
    if asks and not means_it:
        form.add_error(None, _("What is imported is what was looked at: it has changed since, so look at it again."))
    return _shown(request, _with_text(form, asked), found, asked)


def _bring(request: TenantRequest, asked: dict[str, Any], how: How) -> Brought:
    form = guessed(asked["text"]) if asked["form"] == "auto" else asked["form"]

    def require(verb: Verb) -> None:
        if not access.of(request).may(verb):
            raise Forbidden(verb.value, [role.value for role in who_may(verb)])

    hosts: Sequence[str] = [asked["host"]]
    return importing.bring_text(asked["text"], form, hosts, how, by=request.actor, now=timezone.now(), require=require)


def guessed(text: str) -> str:
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    return "yaml" if any(line.startswith("format:") for line in start.splitlines()[:50]) else "haproxy"


def _digest(asked: dict[str, Any]) -> str:
    """What was looked at, so that nothing else is imported."""
    said = "\0".join([asked["mode"], asked["host"], asked["form"], "\n".join(asked["text"].splitlines())])
    return sha256(said.encode()).hexdigest()


def _with_text(form: ImportForm, asked: dict[str, Any]) -> ImportForm:
    """A file's text stands in the field from now on."""
    form.data = {**form.data.dict(), "text": asked["text"]} if isinstance(form.data, QueryDict) else form.data
    return form


def _shown(
    request: TenantRequest, form: ImportForm, found: Brought | None, asked: dict[str, Any] | None = None
) -> HttpResponse:
    only = request.POST.get("only", "") if request.POST.get("only") in FATES else ""
    context: dict[str, Any] = {
        "form": form,
        "found": Seen(found, only) if found else None,
        "fates": FATES,
        "only": only,
    }
    context["seen"] = _digest(asked) if asked else ""
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "balancer/import.html", context, status=status)


vars(index)["throttle_class_names"] = {"post": "expensive"}  # as the API's: a look reads all of the text
