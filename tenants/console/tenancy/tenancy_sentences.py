"""The sentences of what keeps tenants and their members, so that a page can say them in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("Your plan includes {limit} members, and {used} are in use. Remove one, or choose a larger plan."),
        _("A tenant needs an owner who can sign in, and this is the last one. Make somebody else an owner first."),
        _("You cannot give rights that you do not hold."),
        _("{person} holds rights that you do not: ask an owner."),
        _("You cannot suspend yourself."),
        _("{person} is a member already."),
        _("{email} is invited already. Send that invitation again instead."),
        _("This person is no longer a member."),
        _("This invitation is no longer open."),
        _(
            "This invitation is not valid any more: it was used, withdrawn or has expired. "
            "Ask whoever invited you for a new one."
        ),
        _("There is an account for this address. Sign in with it, then open the link again."),
        _("This invitation was sent to another address than yours. Sign in as the person it was sent to."),
        _("This slug is taken. Choose another."),
        _("Use a-z, 0-9 and single hyphens, 40 at most; some words are ours."),
        _("This tenant is suspended: it can be read, not changed."),
        _("This tenant is deleted: it can be read and restored, not changed."),
        _("This tenant is deleted. Restore it first."),
        _("This tenant is not deleted."),
    ]
)
