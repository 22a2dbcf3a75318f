"""The tests' settings for a server of its own: with the static files, as a browser wants them."""

from tests.settings import *  # noqa: F403
from veloflux_site.settings import MIDDLEWARE as MIDDLEWARE

WHITENOISE_USE_FINDERS = True
