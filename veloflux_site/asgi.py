"""One ASGI application: pages and the API through Django, sockets through Channels.

Whose data a request is about is said by `ScopeMiddleware`; a socket's, by each call it makes to the database. Neither
is said here, so nothing falls back to a schema that nobody chose. There is no lifespan: nothing is started or ended
with the server.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veloflux_site.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

import veloflux_site.celery  # noqa: F401 - what a request enqueues goes through it

_http = get_asgi_application()
# Imported only now that Django is set up: sockets know models.
_sockets = import_string("balancer.live.routing.sockets")()
application = import_string("veloflux_site.front.front")(ProtocolTypeRouter({"http": _http, "websocket": _sockets}))
