"""The desired state as canonical JSON: sorted, without blanks, ASCII.

This text is digested, kept and sent, and made at once: the plain values of 10,000 servers alone take longer. It is what
`json` makes of `codec_write`'s values, to the letter; `tests/unit/haproxy/test_codec.py` holds them equal.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from .codec_write import write_check, write_tenant, write_timeouts
from .desired import AdminState, HealthCheck, Pool, Server, Tenant, Timeouts
from .listeners import Mode
from .serving import PLAIN
from .write_serving import write_serving

_ADMIN = {one: quoted(one.value) for one in AdminState}


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def tenant_text(tenant: Tenant) -> str:
    parts = {name: canonical(value) for name, value in write_tenant(replace(tenant, pools=())).items()}
    parts["pools"] = _list([_pool(pool) for pool in tenant.pools])
    return _object(parts)


def _object(parts: Mapping[str, str]) -> str:
    return f"{{{','.join([f'{quoted(name)}:{parts[name]}' for name in sorted(parts)])}}}"


def _list(parts: list[str]) -> str:
    return f"[{','.join(parts)}]"


def _pool(pool: Pool) -> str:
    parts = {
        "key": quoted(pool.key),
        "algorithm": quoted(pool.algorithm.value),
        "servers": _list([_server(server) for server in pool.servers]),
        "health_check": _check(pool.health_check),
        "timeouts": _timeouts(pool.timeouts),
        "retries": str(pool.retries),
    }
    if pool.serving is not PLAIN and (serving := write_serving(pool.serving)):
        parts["serving"] = canonical(serving)
    if pool.mode is not Mode.HTTP:
        parts["mode"] = quoted(pool.mode.value)
    return _object(parts)


def _server(server: Server) -> str:
    most, check, name = server.max_connections, server.check_port, server.name
    called = f',"name":{quoted(name)}' if name else ""
    return (
        f'{{"address":{quoted(server.address)},"admin":{_ADMIN[server.admin]}'
        f',"backup":{"true" if server.backup else "false"},"check_port":{"null" if check is None else check}'
        f',"key":{quoted(server.key)},"max_connections":{"null" if most is None else most}{called}'
        f',"port":{server.port},"weight":{server.weight}}}'
    )


# Nearly all pools of a tenant are checked alike, and wait alike.
@lru_cache(maxsize=256)
def _check(check: HealthCheck) -> str:
    return canonical(write_check(check))


@lru_cache(maxsize=256)
def _timeouts(timeouts: Timeouts) -> str:
    return canonical(write_timeouts(timeouts))
