"""What can go wrong between us and an HAProxy process."""

import errno

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class EdgeError(Exception):
    """Any trouble with a node that its worker answers with a report."""


class NodeUnreachable(EdgeError):
    """The node did not answer, or not completely: it is unknown whether it acted."""


class CommandRejected(EdgeError):
    """HAProxy said no; `reply` holds its words."""

    def __init__(self, command: str, reply: str) -> None:
        super().__init__(f"{command!r} was rejected: {reply}")
        self.command = command
        self.reply = reply


class UnexpectedReply(EdgeError):
    """HAProxy said something that this command never says; nothing may be concluded from it."""

    def __init__(self, command: str, reply: str) -> None:
        super().__init__(f"{command!r} was answered by {reply!r}")
        self.command = command
        self.reply = reply


class Unwritable(EdgeError, OSError):
    """The node's disk did not take what was to be written. It says so in a sentence without a path."""

    def __str__(self) -> str:
        if self.errno in FULL:
            return "There is no space left on the node's disk."
        return f"The node's disk cannot be written to: {self.strerror or 'unknown error'}."


class ReloadFailed(EdgeError):
    """A new tree did not become the running one; the previous one serves."""
