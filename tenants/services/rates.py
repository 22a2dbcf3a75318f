"""How often somebody may: counted in Redis for all processes, in one step, so that two at once are never both the last.

A sliding window: the window before counts by the part of it that is still in sight, so that the turn of a minute gives
nobody a second helping at once. Redis's own clock is used: the web processes' may differ.
"""

from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from django.core.cache import cache as names

SECONDS = 60
TIMEOUT = 1.0
COUNT = """
local limit, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, into = math.floor(now / span), now % span
local kept = redis.call('HMGET', KEYS[1], 'window', 'count', 'before')
local count, before = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
local passed = window - (tonumber(kept[1]) or 0)
if passed == 1 then before, count = count, 0 elseif passed > 1 then before, count = 0, 0 end
local used = before * (1 - into / span) + count
if used + 1 <= limit then
    redis.call('HSET', KEYS[1], 'window', window, 'count', count + 1, 'before', before)
    redis.call('PEXPIRE', KEYS[1], span * 2)
    return {1, math.floor(limit - used - 1), span - into}
end
local wait = span - into
if count + 1 <= limit then
    wait = math.ceil(span * (1 - (limit - 1 - count) / before)) - into
elseif limit > 1 then
    wait = wait + math.ceil(span * math.max(0, 1 - (limit - 1) / count))
else
    wait = wait + span
end
return {0, 0, math.max(1, wait)}
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """`seconds`: until there is more; where it was refused, until one more is let in."""

    allowed: bool
    limit: int
    left: int
    seconds: int


def count(name: str, who: str, *, limit: int, seconds: int = SECONDS) -> Counted:
    """Raise `redis.exceptions.RedisError`: whether that is a yes or a no is for the caller."""
    key = names.make_key(f"rate:{name}:{who}")
    allowed, left, ms = _server().eval(COUNT, 1, key, limit, seconds * 1000)
    return Counted(bool(allowed), limit, int(left), -(-int(ms) // 1000))


@cache
def _server() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
