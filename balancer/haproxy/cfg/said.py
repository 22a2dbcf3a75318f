"""What is said of lines that no object comes of, or not all of one: each sentence once."""

COMMENT = "A comment."
EMPTY = "An empty line."
GLOBAL = "The process is the service's own."
DEFAULTS = "What sections began with; nothing of the file uses this line."
OTHER = "Sections of this kind belong to the other machine."
LOGS = "The service keeps an access log of its own."
OURS = "The service sees to this itself."
STATS = "The console shows what the statistics page showed."
PAGES = "The page is a file of the other machine; the service has pages of its own, and routes have maintenance pages."
CERTIFICATE = "Sites share the service's ports for HTTP and HTTPS; the certificate's file is on the other machine."
SHARED = "Sites share the service's ports for HTTP and HTTPS."
COUNTED = "The service counts by itself: limits for each client address are under Rate limit."
VARIABLE = "A variable that nothing here reads."
OVERRIDDEN = "Another line of this section says it after this one."
UNUSED_ACL = "No rule that was taken uses it."
NEVER = "No request of a host that is known here comes to this rule, or ones before it take them all."
DISABLED = "The section is switched off."
UNKNOWN = "Nothing here does what this line does."
CONDITIONAL = "What stands between .if and .endif depends on the other machine; write what shall be imported."
RULES_IN_DEFAULTS = "Rules in defaults cannot be carried; write them into the frontends."
UNTAKEN = "What no rule takes got 503; here it gets 404."
PATHS_TOGETHER = "Two conditions on the path cannot be said of one route; write one expression for both."
SAME_WAY = "{other} takes the same hosts on another port; here all sites share one port for HTTP and one for HTTPS."
NO_POOL = "There is no backend {name} in the file."
NO_FILE = "It reads a file or a map of the other machine; send a map along, or write what is in it as rules."
USE_SERVER = "A pool chooses its server itself; make a backend of that server, and lead to it by a use_backend rule."
NAMES = "“{host}” means something on one machine only; write the whole name, with its dots, or an address."


class Inexpressible(ValueError):
    """A sentence of why no object here can say it: the line is refused."""


class Kept(Exception):
    """A sentence of why it needs nothing: the line is a note."""


class NoRegex(Inexpressible):
    def __init__(self, why: str) -> None:
        super().__init__(f"This expression is not of the kind that is taken here: {why}")
