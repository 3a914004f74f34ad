"""Django's settings and the gateway's own, from environment variables. docs/settings.md describes each variable."""

from datetime import timedelta
from email.utils import formataddr
from pathlib import Path

from gateway.conf import cors, database_url, dev_secret_key, email_url, env, passkeys, passwords, rate_limits
from gateway.conf.env import read
from gateway.observability import logging

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_file(BASE_DIR / read("GATEWAY_ENV_FILE", env.text, ".env"))
NONE: list[str] = []

# --- server and database -------------------------------------------------------------------------
DEBUG = read("DJANGO_DEBUG", env.switch, False)
if not DEBUG:
    env.require(
        SECRET_KEY="Generate SECRET_KEY once and keep it: openssl rand -hex 32",
        ALLOWED_HOSTS="Example: ALLOWED_HOSTS=auth.example",
        DATABASE_URL="Example: DATABASE_URL=postgres://gateway@db.example/gateway",
    )
SECRET_KEY = read("SECRET_KEY", env.text, "", secret=True) or dev_secret_key.get_or_create(BASE_DIR / ".secret-key")
SECRET_KEY_FALLBACKS = read("SECRET_KEY_FALLBACKS", env.words, NONE, secret=True)
ALLOWED_HOSTS = read("ALLOWED_HOSTS", env.words, ["localhost", "127.0.0.1", "[::1]"])
GATEWAY_WORKERS = read("GATEWAY_WORKERS", env.count, 1)
GATEWAY_MAX_CONCURRENT_HASHES = read("GATEWAY_MAX_CONCURRENT_HASHES", env.count, 1)
GATEWAY_HASH_QUEUE = read("GATEWAY_HASH_QUEUE", env.natural, 64)
# More than the requests that may hash or wait for a hash, so that a flood of sign-ins leaves threads for others.
GATEWAY_THREADS = read("GATEWAY_THREADS", env.count, GATEWAY_MAX_CONCURRENT_HASHES + GATEWAY_HASH_QUEUE + 16)
# Longer than a load balancer takes to see that /readyz answers 503.
GATEWAY_SHUTDOWN_DELAY = read("GATEWAY_SHUTDOWN_DELAY", env.natural, 0 if DEBUG else 5)
HOST = read("HOST", env.text, "127.0.0.1")
PORT = read("PORT", env.port, 8000)
DATABASES = {
    "default": read("DATABASE_URL", database_url.parse, database_url.parse("sqlite:///db.sqlite3"), secret=True)
}
GATEWAY_TRUSTED_PROXIES = read("GATEWAY_TRUSTED_PROXIES", env.natural, 0)

# --- logs and metrics ----------------------------------------------------------------------------
GATEWAY_LOG_FORMAT = read("GATEWAY_LOG_FORMAT", env.one_of("json", "console"), "console" if DEBUG else "json")
GATEWAY_LOG_LEVEL = read("GATEWAY_LOG_LEVEL", env.one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
GATEWAY_METRICS_HOST = read("GATEWAY_METRICS_HOST", env.text, "127.0.0.1")
GATEWAY_METRICS_PORT = read("GATEWAY_METRICS_PORT", env.port_or_zero, 0)
LOGGING = logging.configuration(GATEWAY_LOG_FORMAT, GATEWAY_LOG_LEVEL)

# --- GraphQL and admin ---------------------------------------------------------------------------
GATEWAY_EXPLORER = read("GATEWAY_EXPLORER", env.switch, DEBUG)
GATEWAY_INTROSPECTION = read("GATEWAY_INTROSPECTION", env.switch, DEBUG)
GATEWAY_PERSISTED_QUERIES = read("GATEWAY_PERSISTED_QUERIES", env.switch, True)
GATEWAY_TRUSTED_DOCUMENTS = read("GATEWAY_TRUSTED_DOCUMENTS", env.text, "")
GATEWAY_ADMIN = read("GATEWAY_ADMIN", env.switch, DEBUG)

# --- tokens and sessions -------------------------------------------------------------------------
GATEWAY_NAME = read("GATEWAY_NAME", env.text, "Gateway")
_origin = f"http://localhost:{PORT}" if DEBUG else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
GATEWAY_ISSUER = read("GATEWAY_ISSUER", env.text, _origin)
GATEWAY_AUDIENCE = read("GATEWAY_AUDIENCE", env.text, "gateway")
GATEWAY_SIGNING_KEYS = read("GATEWAY_SIGNING_KEYS", env.text, "", secret=True)
GATEWAY_SIGNING_ALGORITHM = read("GATEWAY_SIGNING_ALGORITHM", env.one_of("ES256", "EdDSA", "RS256"), "ES256")
GATEWAY_TOKEN_CLAIMS = read(
    "GATEWAY_TOKEN_CLAIMS",
    env.subset("username", "email", "full_name", "is_email_verified", "image_url", "bio", "roles"),
    NONE,
)
GATEWAY_ACCESS_LIFETIME = read("GATEWAY_ACCESS_LIFETIME", env.duration, timedelta(minutes=5))
GATEWAY_REFRESH_IDLE = read("GATEWAY_REFRESH_IDLE", env.duration, timedelta(days=7))
GATEWAY_REFRESH_ABSOLUTE = read("GATEWAY_REFRESH_ABSOLUTE", env.duration, timedelta(days=30))
GATEWAY_REFRESH_GRACE = read("GATEWAY_REFRESH_GRACE", env.duration, timedelta(seconds=10))

# --- second factors ------------------------------------------------------------------------------
GATEWAY_TWO_FACTOR = read(
    "GATEWAY_TWO_FACTOR", env.one_of("optional", "staff", "required"), "optional" if DEBUG else "staff"
)
GATEWAY_REAUTHENTICATION_LIFETIME = read("GATEWAY_REAUTHENTICATION_LIFETIME", env.duration, timedelta(minutes=10))

# --- cookie mode ---------------------------------------------------------------------------------
GATEWAY_REFRESH_COOKIE = read("GATEWAY_REFRESH_COOKIE", env.switch, False)
GATEWAY_COOKIE_SAMESITE = read("GATEWAY_COOKIE_SAMESITE", env.one_of("Strict", "Lax", "None"), "Strict")
GATEWAY_COOKIE_PATH = read("GATEWAY_COOKIE_PATH", env.one_of("/", "/graphql"), "/")

# --- email ---------------------------------------------------------------------------------------
# localhost is Django's default too. Until a server answers there, emails wait for a day.
_mail = read("EMAIL_URL", email_url.parse, email_url.parse("console://" if DEBUG else "smtp://localhost"), secret=True)
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = read("EMAIL_TIMEOUT", env.count, 60)
EMAIL_USE_LOCALTIME = False
DEFAULT_FROM_EMAIL = read(
    "DEFAULT_FROM_EMAIL",
    email_url.sender,
    formataddr((GATEWAY_NAME, f"no-reply@{ALLOWED_HOSTS[0].lstrip('.') if not DEBUG else 'localhost'}")),
)
GATEWAY_MAIL_WORKER = read("GATEWAY_MAIL_WORKER", env.switch, True)
GATEWAY_EMAIL_VERIFICATION = read("GATEWAY_EMAIL_VERIFICATION", env.one_of("optional", "required", "off"), "optional")
_own_origin = GATEWAY_ISSUER if GATEWAY_ISSUER.startswith(("https://", "http://")) else _origin
_pages = f"{_own_origin}/account"
GATEWAY_VERIFY_URL = read("GATEWAY_VERIFY_URL", env.link, f"{_pages}/verify#token={{token}}")
GATEWAY_RESET_URL = read("GATEWAY_RESET_URL", env.link, f"{_pages}/reset#token={{token}}")
GATEWAY_UNDO_URL = read("GATEWAY_UNDO_URL", env.link, f"{_pages}/undo#token={{token}}")
GATEWAY_APP_URL = read("GATEWAY_APP_URL", env.url, "")
GATEWAY_VERIFY_LIFETIME = read("GATEWAY_VERIFY_LIFETIME", env.duration, timedelta(hours=1))
GATEWAY_RESET_LIFETIME = read("GATEWAY_RESET_LIFETIME", env.duration, timedelta(minutes=30))
GATEWAY_UNDO_LIFETIME = read("GATEWAY_UNDO_LIFETIME", env.duration, timedelta(days=7))
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# --- retention -----------------------------------------------------------------------------------
GATEWAY_EVENTS_KEPT = read("GATEWAY_EVENTS_KEPT", env.duration, timedelta(days=365))
GATEWAY_ERASE_AFTER = read("GATEWAY_ERASE_AFTER", env.duration, timedelta(days=14))

# --- request limits ------------------------------------------------------------------------------
GATEWAY_MAX_BODY = read("GATEWAY_MAX_BODY", env.count, 100_000)
GATEWAY_MAX_BATCH = read("GATEWAY_MAX_BATCH", env.natural, 0)
GATEWAY_MAX_DOCUMENT = read("GATEWAY_MAX_DOCUMENT", env.count, 20_000)
GATEWAY_MAX_TOKENS = read("GATEWAY_MAX_TOKENS", env.count, 1_500)
GATEWAY_MAX_DEPTH = read("GATEWAY_MAX_DEPTH", env.count, 8)
GATEWAY_MAX_FIELDS = read("GATEWAY_MAX_FIELDS", env.count, 100)
GATEWAY_MAX_ALIASES = read("GATEWAY_MAX_ALIASES", env.count, 20)
GATEWAY_MAX_ROOT_FIELDS = read("GATEWAY_MAX_ROOT_FIELDS", env.count, 20)
GATEWAY_MAX_DIRECTIVES = read("GATEWAY_MAX_DIRECTIVES", env.count, 4)
GATEWAY_MAX_MUTATIONS = read("GATEWAY_MAX_MUTATIONS", env.count, 1)

# --- rate limits ---------------------------------------------------------------------------------
GATEWAY_LIMITS = {
    name: read(f"GATEWAY_LIMIT_{name.upper()}", env.rates, env.rates(default))
    for name, default in rate_limits.DEFAULTS.items()
}

# --- passwords -----------------------------------------------------------------------------------
GATEWAY_PASSWORD_MIN_LENGTH = read("GATEWAY_PASSWORD_MIN_LENGTH", env.count, 8)
GATEWAY_BREACH_URL = read("GATEWAY_BREACH_URL", env.text, "")
PASSWORD_HASHERS = passwords.HASHERS
AUTH_PASSWORD_VALIDATORS = passwords.validators(GATEWAY_PASSWORD_MIN_LENGTH, product=GATEWAY_NAME)

# --- CORS ----------------------------------------------------------------------------------------
_origins = read("CORS_ALLOWED_ORIGINS", env.origins, cors.DEVELOPMENT_ORIGINS if DEBUG else NONE)
CORS_ALLOW_ALL_ORIGINS = "*" in _origins
CORS_ALLOWED_ORIGINS = [origin for origin in _origins if origin != "*"]
CORS_ALLOW_CREDENTIALS = read("CORS_ALLOW_CREDENTIALS", env.switch, GATEWAY_REFRESH_COOKIE)
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [*cors.HEADERS, *read("GATEWAY_CORS_EXTRA_HEADERS", env.words, NONE)]
CORS_EXPOSE_HEADERS = ["retry-after", "x-request-id"]
CORS_PREFLIGHT_MAX_AGE = 86_400
CORS_URLS_REGEX = r"^/(graphql/?$|\.well-known/)"

# --- passkeys ------------------------------------------------------------------------------------
GATEWAY_PASSKEY_RP_ID = read("GATEWAY_PASSKEY_RP_ID", env.domain, "localhost" if DEBUG else "")
GATEWAY_PASSKEY_ORIGINS = read(
    "GATEWAY_PASSKEY_ORIGINS",
    env.origins,
    passkeys.default_origins(GATEWAY_PASSKEY_RP_ID, [_own_origin, *CORS_ALLOWED_ORIGINS]),
)

# --- CSRF and security headers -------------------------------------------------------------------
CSRF_TRUSTED_ORIGINS = read("CSRF_TRUSTED_ORIGINS", env.origins, NONE)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GATEWAY_TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
# With "no-referrer" browsers send forms with "Origin: null", which Django refuses. Pages with tokens set their own.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Django --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "gateway",
    "users",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "corsheaders",
    "graphene_django",
    "django_tasks",
    "django_tasks_db",
    # Installed even when the admin is off, so that `migrate` always makes its table.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.messages",
]
MIDDLEWARE = [
    "gateway.http.cors.RefusedOriginMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gateway.http.middleware.RequestMiddleware",
]
if GATEWAY_ADMIN:
    # Only the admin uses cookies, forms and static files.
    INSTALLED_APPS += ["django.contrib.staticfiles"]
    # Holds no more than the id of a session of the gateway, which the server can end.
    SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    MIDDLEWARE += [
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
else:
    # They ask for the admin's middleware, which is off.
    SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "gateway.urls"
WSGI_APPLICATION = "gateway.wsgi.application"
AUTH_USER_MODEL = "users.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = GATEWAY_MAX_BODY
GRAPHENE = {"SCHEMA": "gateway.graphql.schema.schema"}
GRAPHQL_JWT = {
    "JWT_AUTH_HEADER_PREFIX": "Bearer",
    "JWT_ALGORITHM": GATEWAY_SIGNING_ALGORITHM,
    "JWT_AUDIENCE": GATEWAY_AUDIENCE,
    "JWT_ISSUER": GATEWAY_ISSUER,
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_EXPIRATION_DELTA": GATEWAY_ACCESS_LIFETIME,
    "JWT_REFRESH_EXPIRATION_DELTA": GATEWAY_REFRESH_ABSOLUTE,
    "JWT_LONG_RUNNING_REFRESH_TOKEN": True,
    "JWT_PAYLOAD_HANDLER": "gateway.graphql.graphql_jwt_compat.payload",
    "JWT_ENCODE_HANDLER": "gateway.graphql.graphql_jwt_compat.encode",
    "JWT_DECODE_HANDLER": "gateway.graphql.graphql_jwt_compat.decode",
    "JWT_PAYLOAD_GET_USERNAME_HANDLER": "gateway.graphql.graphql_jwt_compat.identity",
    "JWT_GET_USER_BY_NATURAL_KEY_HANDLER": "gateway.graphql.graphql_jwt_compat.get_user",
    "JWT_ALLOW_ANY_HANDLER": "gateway.graphql.graphql_jwt_compat.skip_library_middleware",
}

env.refuse_unknown()
