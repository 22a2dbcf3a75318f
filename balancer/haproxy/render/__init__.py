"""Desired state and a node's settings in, HAProxy's files out."""

from .frontends import CERTIFICATE_LIST, render_frontends
from .maps import LONGEST_CLIENT_BURST_S, client_limit, map_entries, render_maps, route_key
from .node import DEFAULT_CERTIFICATE, NodeSettings, render_global
from .pool import proxy_name, render_pool
from .tree import proxies_of, render_fixed, render_shard, render_tree, shard_name, shard_of

__all__ = [
    "CERTIFICATE_LIST",
    "DEFAULT_CERTIFICATE",
    "LONGEST_CLIENT_BURST_S",
    "NodeSettings",
    "client_limit",
    "map_entries",
    "proxies_of",
    "proxy_name",
    "render_fixed",
    "render_frontends",
    "render_global",
    "render_maps",
    "render_pool",
    "render_shard",
    "render_tree",
    "route_key",
    "shard_name",
    "shard_of",
]
