"""Every setting, from the environment. `manage.py up` writes a first `.veloflux/env`; nothing secret has a default."""

import shutil
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF

from veloflux_site.logs import configure_logging

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

SECRET_KEY = env.str("VELOFLUX_SECRET_KEY")
JWT_KEY = env.str("VELOFLUX_JWT_KEY")
JWT_OLD_KEYS = env.list("VELOFLUX_JWT_OLD_KEYS", default=[])  # verify only
# 32 bytes each, URL-safe base64: the first seals secrets at rest, every one of them opens.
ENCRYPTION_KEYS = env.list("VELOFLUX_ENCRYPTION_KEYS")
# Columns that hold sealed secrets, and what their seals say they are about (`tenants.services.rotation`).
SEALED_COLUMNS = {
    "tenants.Totp.secret": "totp.secret",
    "tenants.SsoProvider.client_secret": "sso_provider.client_secret",
    "tenants.SmtpServer.password": "smtp_server.password",
    "tenants.SignIn.id_token": "sign_in.id_token",
    "fleet.Node.key": "node.key",
    "fleet.Node.old_key": "node.old_key",
    "fleet.UpstreamFile.sealed": "upstream_file.sealed",
}
DEBUG = env.bool("VELOFLUX_DEBUG", default=False)
# Whether /api/debug/performance answers staff.
DEBUG_PERFORMANCE = env.bool("VELOFLUX_DEBUG_PERFORMANCE", default=False)
BASE_URL = env.str("VELOFLUX_BASE_URL", default="http://localhost:9090")
TRAFFIC_URL = env.str("VELOFLUX_TRAFFIC_URL", default="http://localhost:8000")
ALLOWED_HOSTS = env.list("VELOFLUX_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", ".localhost"])
# Demo: origins in 127.0.0.0/8, no proof for hosts under .localhost and .test, and a wider login throttle for loopback.
DEMO = env.bool("VELOFLUX_DEMO", default=False)
SIGN_UP_OPEN = env.bool("VELOFLUX_SIGN_UP_OPEN", default=True)
# Whether an address has to be proven before its owner may sign in.
VERIFY_EMAIL = env.bool("VELOFLUX_VERIFY_EMAIL", default=not DEMO)
VERSION = "0.1.0"

# What a tenant's backend may never be: the platform's own networks, and at loopback (demo only) our own ports.
DENIED_NETWORKS = [ip_network(network) for network in env.list("VELOFLUX_DENIED_NETWORKS", default=[])]
OWN_PORTS = frozenset(env.list("VELOFLUX_OWN_PORTS", cast=int, default=[]))
# The ports that listeners are given, on every node: nothing else on the nodes' machines may have one of them.
FIRST_TCP_PORT, LAST_TCP_PORT = map(int, env.str("VELOFLUX_TCP_PORTS", default="20000-20999").split("-"))
TCP_PORTS = range(FIRST_TCP_PORT, LAST_TCP_PORT + 1)
# Routes that keep answers take 1 MB on every node of the cluster each, twice that while it reloads.
CACHES_ON_A_CLUSTER = env.int("VELOFLUX_CACHES_ON_A_CLUSTER", default=256)
# What everybody shares, as clients reach it; 0 for TLS that is passed through by name: it is not.
SHARED_PORTS = {
    "http": env.int("VELOFLUX_HTTP_PORT", default=80),
    "https": env.int("VELOFLUX_HTTPS_PORT", default=443),
    "tls_passthrough": env.int("VELOFLUX_PASSTHROUGH_PORT", default=0),
}
# Where a tenant's own servers (sign-in provider, mail, proof of a domain) may be besides the public internet.
OUTBOUND_ALLOWED = [ip_network(network) for network in env.list("VELOFLUX_OUTBOUND_ALLOWED", default=[])]
# Who is asked for the TXT records that prove a domain (address, with a port or without); none: the machine's own.
DNS_RESOLVERS = env.list("VELOFLUX_DNS_RESOLVERS", default=[])
DOMAIN_HTTP_PORT = env.int("VELOFLUX_DOMAIN_HTTP_PORT", default=80)
# PEM: authorities to believe besides the usual ones, when the console goes out.
EXTRA_CA_FILE = env.str("VELOFLUX_EXTRA_CA_FILE", default="")
# Where `bootstrap` writes what each node's own processes are started with.
NODES_DIR = env.str("VELOFLUX_NODES_DIR", default=str(BASE_DIR / ".veloflux" / "nodes"))
# Where nodes elsewhere reach our Redis, without a user (rediss://redis.example.net:6379); none: where we do.
NODES_REDIS_URL = env.str("VELOFLUX_NODES_REDIS_URL", default="")
# What a tenant may never route: the names that the console itself answers on.
RESERVED_HOSTS = frozenset({"localhost", urlsplit(BASE_URL).hostname or "localhost"})

SHARED_APPS = [
    "tenants",  # before django_tenants: our `migrate` shadows its own
    "django.contrib.admin",  # before it too: it lays other admin pages over the stock ones
    "django_tenants",
    "billing",
    "balancer.fleet",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "channels",
    "csp",
    "corsheaders",
]
TENANT_APPS = ["balancer"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
AUTH_USER_MODEL = "tenants.User"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

DATABASES = {
    "default": {
        **env.db_url("VELOFLUX_DATABASE_URL"),
        "ENGINE": "tenants.postgres",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # A connection's memory grows with the schemas it touches, so it is replaced every five minutes.
            "pool": {"min_size": 1, "max_size": 8, "timeout": 5, "max_lifetime": 300, "max_idle": 60},
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("VELOFLUX_REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "cache"}
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "live"},
    }
}

MIDDLEWARE = [
    "tenants.restkit.headers.HeadersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "veloflux_site.measure.RequestIdMiddleware",
    "veloflux_site.measure.MeasureMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",  # outside of all that answers with a page of its own: a 404, a 429, a 503
    "tenants.restkit.middleware.ScopeMiddleware",  # before the log, which asks who the user is
    "django_structlog.middlewares.RequestMiddleware",
    "veloflux_site.measure.AnswerIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.restkit.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "tenants.restkit.middleware.PersonMiddleware",
    "tenants.restkit.middleware.TenantMiddleware",
    "tenants.restkit.throttles.ThrottleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.console.errors.MethodMiddleware",
]
ROOT_URLCONF = "veloflux_site.urls"
ASGI_APPLICATION = "veloflux_site.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
            ]
        },
    }
]

PASSWORD_HASHERS = ["tenants.hashers.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ("email", "first_name", "last_name")}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
# Mails lie in a folder until a server is named: smtp+starttls://user:password@host:587, or smtps:// for TLS at once.
SMTP_URL = env.str("VELOFLUX_SMTP_URL", default="")
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = env.str("VELOFLUX_MAIL_DIR", default=str(BASE_DIR / ".veloflux" / "mail"))
DEFAULT_FROM_EMAIL = env.str("VELOFLUX_MAIL_FROM", default="VeloFlux <veloflux@localhost>")
LOGIN_URL = "/login"
SESSION_ENGINE = "tenants.session_store"
# A browser stays signed in for so long at most, and so long without a request.
SESSION_MOST_SECONDS = SESSION_COOKIE_AGE = env.int("VELOFLUX_SESSION_MOST_SECONDS", default=14 * 86_400)
SESSION_IDLE_SECONDS = env.int("VELOFLUX_SESSION_IDLE_SECONDS", default=24 * 3600)
# An access token's life. A refresh token makes the next one, so it need not be long.
ACCESS_TOKEN_SECONDS = env.int("VELOFLUX_ACCESS_TOKEN_SECONDS", default=900)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "tenants.console.errors.csrf_failed"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = env.list("VELOFLUX_TRUSTED_ORIGINS", default=[])
# `restkit.headers` says these on every answer, whoever made it.
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
HSTS = "max-age=31536000" if BASE_URL.startswith("https://") else ""
# The proxies in front of the console, as networks: only they are believed about who asks (`veloflux_site.front`).
TRUSTED_PROXIES = [ip_network(network) for network in env.list("VELOFLUX_TRUSTED_PROXIES", default=[])]
MAX_BODY_BYTES = env.int("VELOFLUX_MAX_BODY_BYTES", default=4 * 1024 * 1024)
BODY_SECONDS = env.int("VELOFLUX_BODY_SECONDS", default=30)
# Pages of other origins that may call the API: https://app.example. Nobody's, where none is listed.
CORS_ALLOWED_ORIGINS = env.list("VELOFLUX_CORS_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True  # of the listed only: no other origin is answered at all
CORS_URLS_REGEX = r"^/(api|auth)(/|$)"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "prefer",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Request-ID",
]
CORS_PREFLIGHT_MAX_AGE = 600
# Requests a minute by class, where not `restkit.throttles`' own: VELOFLUX_THROTTLES=api=6000,auth=40 (0: not counted).
THROTTLES = {name: int(rate) for name, rate in env.dict("VELOFLUX_THROTTLES", default={}).items()}
# The API's by plan: VELOFLUX_API_RATES=free=600,pro=1200.
API_RATES = {"": 600, **{plan: int(rate) for plan, rate in env.dict("VELOFLUX_API_RATES", default={}).items()}}
TENANT_API_RATE = "billing.queries.rates.api_rate"
THROTTLED_PAGE = "tenants.console.errors.throttled"
# The HAProxy that a configuration is shown to before it is taken, where the console runs; "": there is none.
HAPROXY = env.str("VELOFLUX_HAPROXY", default=shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "")
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("VELOFLUX_STATIC_ROOT", default=str(BASE_DIR / ".veloflux" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português (Brasil)")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.restkit.authentication.Credential"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.restkit.permissions.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["tenants.restkit.parsers.ObjectParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "tenants.restkit.paging.Pages",
    "DEFAULT_FILTER_BACKENDS": [f"tenants.restkit.filters.{name}" for name in ("Filter", "Search", "Ordering")],
    "DEFAULT_SCHEMA_CLASS": "tenants.restkit.schema.Schema",
    "EXCEPTION_HANDLER": "tenants.restkit.errors.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "DEFAULT_METADATA_CLASS": "tenants.restkit.metadata.Metadata",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is an export's own
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "VeloFlux",
    "DESCRIPTION": "Load balancing for many customers, on HAProxy.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api",
    "PREPROCESSING_HOOKS": ["tenants.restkit.schema.as_written"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tenants.restkit.schema.with_refusals",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
}
# No inline script or style without this response's nonce, anywhere, staff pages too.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# What else a new tenant is given, in its transaction: apps above this one name their step here, by string.
TENANT_SUBSCRIBE = "billing.services.subscriptions.start"
TENANT_PROVISION_STEPS = ["balancer.services.placements.place"]
TENANT_CHANGED_STEPS = ["balancer.services.tenant_changes.changed"]
TENANT_PURGE_STEPS = ["balancer.services.tenant_changes.leave"]
DOCUMENTS = "balancer.api.imports.bring_text"  # what a person pastes is read as the API reads it
TENANT_SEATS = "billing.queries.limits.seats"
TENANT_STATS = "balancer.queries.tenant_stats.of"
TENANT_USED = "balancer.queries.tenant_config.used"
TENANT_RETENTION = "billing.queries.limits.retention_of"
# Days that the platform's own audit trail is kept, and that of tenants that are gone; the others' is the plan's, 30 at
# least.
AUDIT_DAYS = env.int("VELOFLUX_AUDIT_DAYS", default=365)
# A secret or, better, a restricted key that may read customers, subscriptions, invoices and payment methods.
# Without one nobody is billed, and the console says so.
STRIPE_KEY = env.str("VELOFLUX_STRIPE_KEY", default="")
STRIPE_API_BASE = env.str("VELOFLUX_STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_FRESH_SECONDS = env.int("VELOFLUX_STRIPE_FRESH_SECONDS", default=60)

CELERY_BROKER_URL = REDIS_URL
# A client's own X-Request-ID follows its change to the node; `measure.RequestIdMiddleware` has dropped what is none.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
LOGGING_CONFIG = None
configure_logging(level=env.str("VELOFLUX_LOG_LEVEL", default="INFO"))
