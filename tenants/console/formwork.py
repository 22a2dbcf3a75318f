"""What every form of the console has in common: how it looks, and how a service's refusal gets next to its field."""

from typing import Any, ClassVar

from django import forms

from tenants.console.sentences import sentence
from tenants.errors import Refused

PLAIN = (forms.CheckboxInput, forms.RadioSelect)


class ConsoleForm(forms.Form):
    """`pointers`: what a service or the API calls a field, where the form calls it something else."""

    pointers: ClassVar[dict[str, str]] = {}
    template_name = "console/form.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            dress(field)
            if self.is_bound and name in self.errors:
                field.widget.attrs["class"] += " is-invalid"

    def show(self, refused: Refused) -> None:
        """Each error next to its field, what has no field above the form; what was typed stays."""
        placed = False
        for error in refused.errors:
            name = self.field_of(error.pointer)
            self.add_error(name, sentence(error))
            if name is not None:
                self.fields[name].widget.attrs["class"] += " is-invalid"
                placed = True
        if not placed and not refused.errors:
            self.add_error(None, sentence(refused))

    def field_of(self, pointer: str) -> str | None:
        name = self.pointers.get(pointer, pointer.strip("/").replace("/", "_"))
        return name if name in self.fields else None


def dress(field: forms.Field) -> None:
    widget = field.widget
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
    else:
        kind = "form-control"
    widget.attrs["class"] = f"{widget.attrs.get('class', '')} {kind}".strip()
