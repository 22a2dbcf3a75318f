"""The sentences of the limits of clients, so that a page can say them in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("“{value}” is not a network. Write an address or a network, like 203.0.113.7 or 2001:db8::/32."),
        _("An address with a zone (%eth0) means something on one machine only; leave the zone out."),
        _("Write the IPv4 network itself, without the ::ffff: in front."),
        _("{value} has bits beyond its length; the network is {network}."),
        _("{network} is too wide: a network is /{v4} or longer, in IPv6 /{v6} or longer."),
        _("A list takes {most} networks; this has {count}. Join some into wider ones."),
        _("Requests a second is a whole number from {least} to {most}; {value} is not."),
        _("The burst of this rate is a whole number from {least} to {most}; {value} is not."),
        _("A burst needs requests a second beside it; give both, or leave both out."),
        _("Your plan allows {most} requests a second; {wanted} is more. Lower it, or choose a larger plan."),
        _("Your plan allows {most} requests in a burst; {wanted} is more. Lower it, or choose a larger plan."),
    ]
)
