from balancer.models.backends import Backend
from balancer.models.pools import Pool
from balancer.models.routes import Route

__all__ = ["Backend", "Pool", "Route"]
