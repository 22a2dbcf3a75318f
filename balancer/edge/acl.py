"""What a node's user may do in Redis: take its own queue's messages, and push reports and lines.

Measured with Redis 7.0.15.
"""

import re

NODE_ID = re.compile(r"[a-z2-7]{1,32}")

# What kombu's transport sends for a consumer, its unacknowledged messages, and their restoration under a lock.
OWN = (
    "+brpop +lpush +rpush +llen +rpop +sadd +smembers +hset +hget +hdel +zadd +zrem +zrange +set +get +del +exists"
    " +pexpire +multi +exec +discard +watch +unwatch +evalsha +eval +script|load"
)
ANYWHERE = "+ping +hello +select +client|setname +reset +quit"


def queue_of(node_id: str) -> str:
    return f"node.{node_id}.work"


def acl_rule(node_id: str) -> list[str]:
    """The rules after `ACL SETUSER <name>`, without the password and without `on`. Repeatable.

    Raises ValueError for an id that could widen a key pattern.
    """
    if NODE_ID.fullmatch(node_id) is None:
        raise ValueError(f"{node_id!r} is no node's id")
    return [
        *("resetkeys", "resetchannels", "clearselectors", "-@all"),
        f"~node.{node_id}.*",
        f"~_kombu.binding.node.{node_id}.*",
        f"~_kombu.binding_permanent.node.{node_id}.*",
        *OWN.split(),
        *ANYWHERE.split(),
        # A selector: on the shared lists nothing but to add to them.
        "(-@all +lpush %W~reports %W~status)",
        # How many batches of lines wait: nobody may be there to take them.
        "(-@all +lpush +llen %RW~logs)",
    ]
