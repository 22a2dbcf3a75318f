"""What every form of the console has in common: how it looks, and how a service's refusal gets next to its field."""

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from django import forms

from tenants.console.sentences import sentence
from tenants.errors import Refused


class ConsoleForm(forms.Form):
    """`pointers`: what a service or the API calls a field, where the form calls it something else."""

    pointers: ClassVar[dict[str, str]] = {}
    codes: AbstractSet[str] = frozenset()  # of the service's refusal, for a page that has more to say about one

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def full_clean(self) -> None:
        super().full_clean()
        self.lead_to_first_error()

    def show(self, refused: Refused) -> None:
        """Each error next to its field, what has no field above the form; what was typed stays."""
        self.codes = {error.code for error in refused.errors}
        for error in refused.errors:
            self.add_error(self.field_of(error.pointer), sentence(error))
        if not refused.errors:
            self.add_error(None, sentence(refused))
        self.lead_to_first_error()

    def field_of(self, pointer: str) -> str | None:
        name = self.pointers.get(pointer, pointer.strip("/").replace("/", "_"))
        return name if name in self.fields else None

    def lead_to_first_error(self) -> None:
        """Who was refused types where the first mistake is, and not where an empty form begins."""
        wrong = [name for name in self.fields if name in self.errors]
        if wrong:
            for name, field in self.fields.items():
                field.widget.attrs["autofocus"] = name == wrong[0]


def dress(field: forms.Field) -> None:
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    else:
        kind = "form-control"
    widget.attrs["class"] = f"{widget.attrs.get('class', '')} {kind}".strip()
