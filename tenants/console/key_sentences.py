"""What the service of API keys says, so that a page can say it in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("A key cannot hold more rights than you do."),
        _("The role {role} does not have {rights}."),
        _("This lies in the past."),
    ]
)
