"""The running product of the road's tests, one of its own."""

from tests.live.road.conftest import dns as dns
from tests.live.road.conftest import make_site as make_site
from tests.live.road.conftest import road_database as road_database
from tests.live.road.conftest import road_redis as road_redis
from tests.live.road.conftest import stack as stack
