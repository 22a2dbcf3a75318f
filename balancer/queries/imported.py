"""Reports of imports: which revision each is in."""

from collections.abc import Iterable

from balancer.fleet.models import Edit, ImportReport


def revisions_of(reports: Iterable[ImportReport]) -> dict[str, int]:
    """Report → the number of its revision. One query; a report whose changes wait, or are forgotten, is not in it."""
    by_edit = {report.edit: report.pk for report in reports if report.edit is not None}
    found = Edit.objects.filter(pk__in=by_edit, revision__isnull=False).values_list("pk", "revision__number")
    return {by_edit[pk]: number for pk, number in found}
