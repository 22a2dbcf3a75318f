"""What can be wrong with a provider and with what it says."""

from enum import StrEnum


class Part(StrEnum):
    """Where it went wrong: the step that a person of the tenant looks at first."""

    DISCOVERY = "discovery"
    KEYS = "keys"
    EXCHANGE = "exchange"  # of the code for tokens
    IDENTITY = "id_token"
    USERINFO = "userinfo"
    LOGOUT = "logout_token"


class ProviderTrouble(Exception):
    """`sentence` is for who sets the provider up (settings page, audit log), not for who signs in. No secret in it."""

    def __init__(self, part: Part, sentence: str) -> None:
        super().__init__(f"{part}: {sentence}")
        self.part = part
        self.sentence = sentence
