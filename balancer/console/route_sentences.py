"""The sentences about routes, so that a page can say them in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("Not a path: start with `/`, percent-encode spaces and letters outside ASCII."),
        _("A path has no `?` and no `#`."),
        _("Not a name of letters, digits, `_`, `-` and `.`."),
        _("Not a method of capital letters."),
        _(r"Not a path, in which \1 to \9 may stand."),
        _("A path has no backslash."),
        _("A character that cannot be printed."),
        _("Longer than {most} bytes."),
        _("Longer than {most} characters."),
        _("Not a URL of visible ASCII characters."),
        _("Not a URL that begins with https://, http:// or /."),
        _("Not a content type such as `text/plain; charset=utf-8`."),
        _("Names a group that the regex does not have."),
        _("No origins, no methods, or everybody with credentials."),
        _("An empty page."),
        _("Only answers of a pool can be kept."),
        _("More than {most}."),
        _("Not a host name in lower case."),
        _("“{found}” at character {at} needs a backslash before it, or something to repeat."),
        _("Of the groups that begin with (? only (?:…) can be used."),
        _("A group is not closed."),
        _(r"\{found} cannot be used; \d, \w, \s and escaped punctuation can."),
        _("A class is empty."),
        _("A class is not closed."),
        _("“{found}” in a class needs a backslash before it."),
        _("A range in a class has letters or digits on both sides."),
        _("A range in a class has letters or digits on both sides, the lower one first."),
        _("^ and $ cannot be repeated."),
        _("A repeat of a repeat cannot be used, nor its lazy and possessive forms."),
        _("A group that is repeated has neither repeats nor | in it."),
        _("Repeats stand in braces: a number, a number and a comma, or two numbers."),
        _("A repeat goes from 0 to {most}, the lower number first."),
        _("A regular expression has 1 to {most} characters."),
        _("A regular expression is of printable ASCII characters."),
        _("A ) closes no group."),
        _("{most} groups at most; (?:…) counts for none."),
        _("Written out, the repeats are more than {most} characters."),
        _(
            "Too many repeats in a row could take the same characters. Begin with ^, put a character between them "
            "that they cannot take, or use fewer."
        ),
        _("No enabled route is for the host {host}: it is answered 421."),
        _("The tenant is suspended: every request is answered 503."),
        _("{site} has {count} routes, and none takes this request: it is answered 404."),
        _("{first} is the first route that takes it, after {count} that did not fit: it goes to its pool."),
        _("{first} is the first route that takes it: it goes to its pool."),
        _("{first} is the first route that takes it, after {count} that did not fit: it is redirected, {status}."),
        _("{first} is the first route that takes it: it is redirected, {status}."),
        _("{first} is the first route that takes it, after {count} that did not fit: it is answered here, {status}."),
        _("{first} is the first route that takes it: it is answered here, {status}."),
        _(
            "{first} is the first route that takes it, after {count} that did not fit: its clients are shared "
            "out among {pools} pools, and each stays with its own."
        ),
        _(
            "{first} is the first route that takes it: its clients are shared out "
            "among {pools} pools, and each stays with its own."
        ),
    ]
)
