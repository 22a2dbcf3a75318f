"""Staff's pages of clusters, nodes, and tenants on their way: stock Django admin, over the services."""

from balancer.admin import clusters as clusters
from balancer.admin import moves as moves
from balancer.admin import nodes as nodes
