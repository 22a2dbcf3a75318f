"""What a server is called, from whose row it is.

One that moves to another address is another server to HAProxy: connections in use while `set server addr` runs go
back to the idle pool, and lead to the old address for as long as there is traffic (seen on 2.6.12).
"""

ID_LENGTH = 12


def server_key(row_id: str, moves: int) -> str:
    return f"b{row_id}{moves or ''}"


def id_and_moves(key: str) -> tuple[str, int]:
    """The other way; sorting by it puts a row's newest server last."""
    return key[1 : 1 + ID_LENGTH], int(key[1 + ID_LENGTH :] or 0)
