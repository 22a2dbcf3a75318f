"""The sentences of this app's services, so that a page can say them in the reader's language."""

from django.utils.translation import gettext_noop as _

from tenants.console import sentences

sentences.add(
    [
        _("The address has no port. Write it as address:port, like 10.0.0.5:8080 or [2001:db8::5]:8080."),
        _("The port of an address is from 1 to 65535; {port} is not."),
        _(
            "“{host}” is not an IP address; names are not supported yet. "
            "Write it as address:port, like 10.0.0.5:8080 or [2001:db8::5]:8080."
        ),
        _("An address with a zone (%eth0) means something on one machine only; leave the zone out."),
        _("Write the IPv4 address itself: {ip}."),
        _("An address that carries an IPv4 address inside is refused; write the IPv4 address itself."),
        _("{ip} is a cloud's metadata address; traffic is never sent there."),
        _("{ip} is link-local; use an address that the nodes can route to."),
        _("{ip} does not name one machine; use the address that your server listens on."),
        _("{ip} belongs to the platform; use an address of your own network."),
        _("{ip} is loopback, the node itself; use an address of your own network."),
        _("Port {port} of {ip} is the platform's own; use your server's."),
        _("The pool {pool} has this address already."),
        _(
            "{backend} is the last ready backend of its pool: without it, requests get 503. "
            "Make another one ready first, or send force."
        ),
        _(
            "{backend} is the last healthy backend of its pool on {node}: the others that are ready fail their checks "
            "there, and requests would get 503. Bring another one back first, or send force."
        ),
        _("This backend was removed in the meantime."),
        _("This pool was deleted in the meantime."),
        _("This route was deleted in the meantime."),
        _("The pool {pool} still answers for {routes}. Point those routes elsewhere or delete them first."),
        _("A pool named {name} exists already. Choose another name."),
        _("A route for {route} exists already. Change that, or choose another path."),
        _("{host} is the console's own; choose a host of yours."),
        _("{host} is in use by another account. If it is yours, ask support to move it."),
        _("{host} is not proven to be yours. Add {domain} under Domains, prove it there, then save this again."),
        _("{domain} is in your list already."),
        _("{count} domains wait for their proof. Prove or remove some first."),
        _("Routes still use {domain}: {hosts}. Delete them first."),
        _("This domain was removed in the meantime."),
        _("Leave the *. out: {domain} stands for all names below it."),
        _("{domain} is an address; name a domain, like example.com."),
        _("A domain has a dot in it, like example.com."),
        _("There is no TXT record at {name} yet. A new one may take some minutes to be seen."),
        _("The TXT record at {name} says something else. Add one with the value shown."),
        _("The name servers of {domain} gave no answer. Try again in a moment."),
        _("{url} answers {status}; it is to answer 200, without a redirect."),
        _("{url} says something else than the text shown."),
        _("Name at least one address that answers."),
        _("There is no such pool here; create it first, or name one of yours."),
        _("Your plan includes {limit} backends, and {used} are in use. Remove one, or choose a larger plan."),
        _("Your plan includes {limit} routes, and {used} are in use. Remove one, or choose a larger plan."),
        _("{what} has a character that cannot be printed; remove it."),
        _("{what} needs {least} to {most} characters; this has {length}."),
        _("{what} is a whole number from {least} to {most}; {value} is not."),
        _("This is not a host name; write one like www.example.com."),
        _("This is not a host name; write one like www.example.com or *.example.com."),
        _("Write the host name alone, without scheme, port or path."),
        _("A wildcard needs at least two labels after it, like *.example.com."),
        _("A path has 500 characters at most."),
        _("A path starts with / and has no spaces, #, ? or other characters that a URL path cannot hold."),
        _("Two slashes in a row never match; write one."),
        _("A check's path starts with /, has no spaces, and 500 characters at most."),
        _("Write status codes and ranges, like 200-399 or 200,204."),
        _("The range {range} ends before it starts."),
        _("{what} is one of {choices}; “{value}” is not."),
        _("Changes are waiting: deploy or discard them first, then switch."),
        _("Nothing waits to be deployed."),
        _("Nothing waits that could be discarded."),
        _("This change does not wait here any more; look at the list again."),
        _("Name some changes."),
        _("{edit} (change {number}) is needed too."),
        _("These changes do not stand alone: {what}"),
        _("Two of these are the same: the same name, address, or host and path."),
        _("There is no revision {number} here whose objects are kept."),
        _("There is no revision {number} here."),
        # What the sentences above say of.
        _("A pool's name"),
        _("A description"),
        _("A region"),
        _("Weight"),
        _("Retries"),
        _("Rise"),
        _("Fall"),
        _("The limit"),
        _("The check's port"),
        _("The interval in milliseconds"),
        _("The check's timeout in milliseconds"),
        _("A timeout in milliseconds"),
        _("This"),
    ]
)
