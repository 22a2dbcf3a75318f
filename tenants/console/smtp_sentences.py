"""What looking for a mail server and talking to it comes to, so that a page can say it in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("The server answers."),
        _("The server knows the user."),
        _("No user is set; nobody signs in."),
        _("The server took the mail."),
        _("The server says: {words}"),
        _("The server does not offer STARTTLS here. Is this the port for TLS?"),
        _("The server does not take a user and password here."),
        _("The server does not offer what this needs."),
        _("The password cannot be read any more. Give it anew."),
        _("This is another server than before: give its password anew."),
        _("Mail is sent by the ports {ports}; {port} is none of them."),
        _("Port {port} is not used for this; the ports are {ports}."),
        _("“{host}” is neither a host name nor an IP address."),
        _("The name {host} has no address."),
        _("Looking up {host} took too long."),
        _("{host} leads to {address}, which is not an address of the public internet; nothing is sent there."),
        _("{host} leads to {address}, which belongs to the platform; nothing is sent there."),
        _("{address} is not an address of the public internet; nothing is sent there."),
        _("{host} port {port} does not answer. Is a firewall in between?"),
        _("{host} port {port} takes no connection: {reason}."),
        _("{host} took longer than {seconds} s."),
        _("{host} broke off."),
        _("{host} does not speak TLS here."),
        _("The certificate of {host} is not trusted: {reason}."),
    ]
)
