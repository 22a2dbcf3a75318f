"""What HAProxy's replies mean. They are free text; anything that is not known to be good is a refusal.

Measured on 2.6.12, with `set severity-output number`:
- The severity does not tell: `set server addr` says `[4]` both for what it did and for "Invalid addr".
- `del server` ends its reply without the empty line that ends the others, and so do "No such backend." of
  `add server` and "health checks are not enabled on this server" of `check-port`: in a `;` list without `prompt`
  the next reply runs into it. With `prompt` every reply ends in `> `.
- `set server weight`, `state`, `health`, `check-port`, `enable health`, `set maxconn`, `add|set|del map`: empty.
- A port of 70000 is taken as 4464, `set map` of a word into a map of numbers as a success: check before asking.
"""

from enum import StrEnum


class Verdict(StrEnum):
    DONE = "done"
    LATER = "later"  # cannot be done yet; ask again after looking
    REFUSED = "refused"


_NOTHING = ""
_LATER = ("Server still has", "Server has still")
# First words of a command -> how a good reply starts; "" also allows an empty one. Any other command: empty.
_GOOD: dict[str, tuple[str, ...]] = {
    "add server": ("New server registered.",),
    "del server": ("Server deleted.", "No such server."),
    "set server addr": ("IP changed from", "no need to change", "port changed from"),
    # What was asked for is already so.
    "del map": ("Key not found.", "entry not found.", _NOTHING),
    "set server check-port": ("health check port updated.", _NOTHING),
}


def judge(line: str, reply: str) -> Verdict:
    """Read the reply to one command line, with or without a severity in front."""
    said = _without_severity(reply.strip())
    verb = _verb(line)
    if said.startswith(_LATER):
        return Verdict.LATER
    if verb.startswith("wait "):
        return Verdict.DONE  # it only passes time: what it waited for is judged by the next command
    expected = _GOOD.get(verb, (_NOTHING,))
    good = said.startswith(tuple(filter(None, expected))) if said else _NOTHING in expected
    return Verdict.DONE if good else Verdict.REFUSED


def _without_severity(said: str) -> str:
    if said[:1] == "[" and said[2:4] == "]:":
        return said[4:].strip()
    return said


def _verb(line: str) -> str:
    words = line.split(" ", 4)
    if words[:2] == ["set", "server"]:
        return " ".join(["set", "server", *words[3:4]])
    return " ".join(words[:2])
