"""What is missing on a node, as steps. Values in, values out: only `edge` executes them."""

from dataclasses import dataclass

from .capabilities import Capabilities
from .commands import Command
from .desired import Tenant
from .plan_listeners import ended, plan_listeners
from .plan_maps import plan_maps
from .plan_pools import plan_pools
from .plan_routers import plan_routers
from .running import Running


@dataclass(frozen=True, slots=True)
class Steps:
    """`commands` in the order in which to run them; `reload`: why one is due, in words. Both may be there."""

    commands: tuple[Command, ...] = ()
    reload: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.commands or self.reload)


def plan_steps(deployed: Tenant | None, desired: Tenant | None, running: Running, capabilities: Capabilities) -> Steps:
    """Compare what a tenant wants with what runs, and say what brings the one to the other.

    `deployed` is the state that the running process was last brought to: it tells what HAProxy does not show
    (algorithm, checks, timeouts, backup). Keep the old one while a reload is due. `desired` None: the tenant leaves.
    Level, not edge: after the steps were applied, the same call with a fresh look gives none.
    Files are written before any of it runs, so that a reload at any moment arrives at the same state.
    """
    pools = plan_pools(deployed, desired, running, capabilities)
    routers = plan_routers(deployed, desired, running)
    live = pools.live | routers.live
    key = tenant_key(deployed, desired)
    maps = plan_maps(key, desired, running, live, routers_change=bool(routers.reload))
    retired = pools.retire(running, still_routed=maps.routed)
    commands = (*pools.commands, *maps.commands, *retired, *ended(deployed, desired, running))
    return Steps(commands, (*pools.reload, *routers.reload, *plan_listeners(key, deployed, desired, running)))


def plan_repair(desired: Tenant, running: Running, capabilities: Capabilities) -> Steps:
    """What to do where a node left the state that it had taken."""
    return plan_steps(desired, desired, running, capabilities)


def drift(desired: Tenant, running: Running, capabilities: Capabilities) -> list[str]:
    """The differences between what was deployed and what runs, each in words."""
    steps = plan_repair(desired, running, capabilities)
    return [*(f"should be: {command.words()}" for command in steps.commands), *steps.reload]


def tenant_key(deployed: Tenant | None, desired: Tenant | None) -> str:
    tenant = desired or deployed
    if tenant is None:
        raise ValueError("neither a deployed nor a desired state")
    return tenant.key
