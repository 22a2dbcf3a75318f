from balancer.models.backends import Backend
from balancer.models.listeners import Listener
from balancer.models.pools import Pool
from balancer.models.protection import RateLimit, SecurityHeaders
from balancer.models.purges import Purge
from balancer.models.routes import Route

__all__ = ["Backend", "Listener", "Pool", "Purge", "RateLimit", "Route", "SecurityHeaders"]
