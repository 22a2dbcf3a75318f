"""What a server is called, from whose row it is.

One that moves to another address is another server to HAProxy: connections in use while `set server addr` runs go
back to the idle pool, and lead to the old address for as long as there is traffic (seen on 2.6.12).

A backend that goes by a name is a server for each address that the name has. Which one, its number says: made from the
address itself, so that an address keeps its server whatever else the name answers; or in pools with cookies, to which
2.6 adds no server without a reload, a place that addresses follow each other in.
"""

from hashlib import blake2b

ID_LENGTH = 12
FIRST_PLACE = 10**9  # no backend moves that often
FIRST_ADDRESS = 10**12
DIGITS_MOST = 13
PLACES_MOST = 100


def server_key(row_id: str, moves: int) -> str:
    return f"b{row_id}{moves or ''}"


def address_key(row_id: str, ip: str, port: int) -> str:
    """Of one address of a name, whatever its place."""
    made = blake2b(f"{ip} {port}".encode(), digest_size=5).digest()
    return server_key(row_id, FIRST_ADDRESS + int.from_bytes(made))


def place_key(row_id: str, moves: int, place: int) -> str:
    """Of a place, whatever address has it."""
    return server_key(row_id, FIRST_PLACE + moves * PLACES_MOST + place)


def id_and_moves(key: str) -> tuple[str, int]:
    """The other way; sorting by it puts a row's newest server last."""
    return key[1 : 1 + ID_LENGTH], int(key[1 + ID_LENGTH :] or 0)


def is_of_a_name(key: str) -> bool:
    return id_and_moves(key)[1] >= FIRST_PLACE


def is_a_place(key: str) -> bool:
    return len(key) > ID_LENGTH + 9 and FIRST_PLACE <= id_and_moves(key)[1] < FIRST_ADDRESS
