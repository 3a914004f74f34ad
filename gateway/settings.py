"""Django's settings and the gateway's own, from environment variables. docs/settings.md describes each variable."""

from datetime import timedelta
from email.utils import formataddr
from pathlib import Path

from gateway.conf import database_url, dev_secret_key, email_url, passkeys
from gateway.conf.env import (
    count,
    domain,
    duration,
    link,
    load_file,
    natural,
    one_of,
    origins,
    port,
    port_or_zero,
    rates,
    read,
    refuse_unknown,
    require,
    subset,
    switch,
    text,
    url,
    words,
)
from gateway.observability import logging

BASE_DIR = Path(__file__).resolve().parent.parent
load_file(BASE_DIR / read("GATEWAY_ENV_FILE", text, ".env"))
NONE: list[str] = []

# --- server and database -------------------------------------------------------------------------
DEBUG = read("DJANGO_DEBUG", switch, False)
if not DEBUG:
    require(
        SECRET_KEY="Generate SECRET_KEY once and keep it: openssl rand -hex 32",
        ALLOWED_HOSTS="Example: ALLOWED_HOSTS=auth.example",
        DATABASE_URL="Example: DATABASE_URL=postgres://gateway@db.example/gateway",
    )
SECRET_KEY = read("SECRET_KEY", text, "", secret=True) or dev_secret_key.get_or_create(BASE_DIR / ".secret-key")
SECRET_KEY_FALLBACKS = read("SECRET_KEY_FALLBACKS", words, NONE, secret=True)
ALLOWED_HOSTS = read("ALLOWED_HOSTS", words, ["localhost", "127.0.0.1", "[::1]"])
GATEWAY_WORKERS = read("GATEWAY_WORKERS", count, 1)
GATEWAY_MAX_CONCURRENT_HASHES = read("GATEWAY_MAX_CONCURRENT_HASHES", count, 1)
GATEWAY_HASH_QUEUE = read("GATEWAY_HASH_QUEUE", natural, 64)
# More than the requests that may hash or wait for a hash, so that a flood of sign-ins leaves threads for others.
GATEWAY_THREADS = read("GATEWAY_THREADS", count, GATEWAY_MAX_CONCURRENT_HASHES + GATEWAY_HASH_QUEUE + 16)
# Longer than a load balancer takes to see that /readyz answers 503.
GATEWAY_SHUTDOWN_DELAY = read("GATEWAY_SHUTDOWN_DELAY", natural, 0 if DEBUG else 5)
HOST = read("HOST", text, "127.0.0.1")
PORT = read("PORT", port, 8000)
DATABASES = {
    "default": read("DATABASE_URL", database_url.parse, database_url.parse("sqlite:///db.sqlite3"), secret=True)
}
GATEWAY_TRUSTED_PROXIES = read("GATEWAY_TRUSTED_PROXIES", natural, 0)

# --- logs and metrics ----------------------------------------------------------------------------
GATEWAY_LOG_FORMAT = read("GATEWAY_LOG_FORMAT", one_of("json", "console"), "console" if DEBUG else "json")
GATEWAY_LOG_LEVEL = read("GATEWAY_LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
GATEWAY_METRICS_HOST = read("GATEWAY_METRICS_HOST", text, "127.0.0.1")
GATEWAY_METRICS_PORT = read("GATEWAY_METRICS_PORT", port_or_zero, 0)
LOGGING = logging.configuration(GATEWAY_LOG_FORMAT, GATEWAY_LOG_LEVEL)

# --- GraphQL and admin ---------------------------------------------------------------------------
GATEWAY_EXPLORER = read("GATEWAY_EXPLORER", switch, DEBUG)
GATEWAY_INTROSPECTION = read("GATEWAY_INTROSPECTION", switch, DEBUG)
GATEWAY_PERSISTED_QUERIES = read("GATEWAY_PERSISTED_QUERIES", switch, True)
GATEWAY_TRUSTED_DOCUMENTS = read("GATEWAY_TRUSTED_DOCUMENTS", text, "")
GATEWAY_ADMIN = read("GATEWAY_ADMIN", switch, DEBUG)

# --- tokens and sessions -------------------------------------------------------------------------
GATEWAY_NAME = read("GATEWAY_NAME", text, "Gateway")
_origin = f"http://localhost:{PORT}" if DEBUG else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
GATEWAY_ISSUER = read("GATEWAY_ISSUER", text, _origin)
GATEWAY_AUDIENCE = read("GATEWAY_AUDIENCE", text, "gateway")
GATEWAY_SIGNING_KEYS = read("GATEWAY_SIGNING_KEYS", text, "", secret=True)
GATEWAY_SIGNING_ALGORITHM = read("GATEWAY_SIGNING_ALGORITHM", one_of("ES256", "EdDSA", "RS256"), "ES256")
GATEWAY_TOKEN_CLAIMS = read(
    "GATEWAY_TOKEN_CLAIMS",
    subset("username", "email", "full_name", "is_email_verified", "image_url", "bio", "roles"),
    NONE,
)
GATEWAY_ACCESS_LIFETIME = read("GATEWAY_ACCESS_LIFETIME", duration, timedelta(minutes=5))
GATEWAY_REFRESH_IDLE = read("GATEWAY_REFRESH_IDLE", duration, timedelta(days=7))
GATEWAY_REFRESH_ABSOLUTE = read("GATEWAY_REFRESH_ABSOLUTE", duration, timedelta(days=30))
GATEWAY_REFRESH_GRACE = read("GATEWAY_REFRESH_GRACE", duration, timedelta(seconds=10))

# --- second factors ------------------------------------------------------------------------------
GATEWAY_TWO_FACTOR = read(
    "GATEWAY_TWO_FACTOR", one_of("optional", "staff", "required"), "optional" if DEBUG else "staff"
)
GATEWAY_REAUTHENTICATION_LIFETIME = read("GATEWAY_REAUTHENTICATION_LIFETIME", duration, timedelta(minutes=10))

# --- cookie mode ---------------------------------------------------------------------------------
GATEWAY_REFRESH_COOKIE = read("GATEWAY_REFRESH_COOKIE", switch, False)
GATEWAY_COOKIE_SAMESITE = read("GATEWAY_COOKIE_SAMESITE", one_of("Strict", "Lax", "None"), "Strict")
GATEWAY_COOKIE_PATH = read("GATEWAY_COOKIE_PATH", one_of("/", "/graphql"), "/")

# --- email ---------------------------------------------------------------------------------------
# localhost is Django's default too. Until a server answers there, emails wait for a day.
_mail = read("EMAIL_URL", email_url.parse, email_url.parse("console://" if DEBUG else "smtp://localhost"), secret=True)
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = read("EMAIL_TIMEOUT", count, 60)
EMAIL_USE_LOCALTIME = False
DEFAULT_FROM_EMAIL = read(
    "DEFAULT_FROM_EMAIL",
    email_url.sender,
    formataddr((GATEWAY_NAME, f"no-reply@{ALLOWED_HOSTS[0].lstrip('.') if not DEBUG else 'localhost'}")),
)
GATEWAY_MAIL_WORKER = read("GATEWAY_MAIL_WORKER", switch, True)
GATEWAY_EMAIL_VERIFICATION = read("GATEWAY_EMAIL_VERIFICATION", one_of("optional", "required", "off"), "optional")
_own_origin = GATEWAY_ISSUER if GATEWAY_ISSUER.startswith(("https://", "http://")) else _origin
_pages = f"{_own_origin}/account"
GATEWAY_VERIFY_URL = read("GATEWAY_VERIFY_URL", link, f"{_pages}/verify#token={{token}}")
GATEWAY_RESET_URL = read("GATEWAY_RESET_URL", link, f"{_pages}/reset#token={{token}}")
GATEWAY_UNDO_URL = read("GATEWAY_UNDO_URL", link, f"{_pages}/undo#token={{token}}")
GATEWAY_APP_URL = read("GATEWAY_APP_URL", url, "")
GATEWAY_VERIFY_LIFETIME = read("GATEWAY_VERIFY_LIFETIME", duration, timedelta(hours=1))
GATEWAY_RESET_LIFETIME = read("GATEWAY_RESET_LIFETIME", duration, timedelta(minutes=30))
GATEWAY_UNDO_LIFETIME = read("GATEWAY_UNDO_LIFETIME", duration, timedelta(days=7))
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# --- retention -----------------------------------------------------------------------------------
GATEWAY_EVENTS_KEPT = read("GATEWAY_EVENTS_KEPT", duration, timedelta(days=365))
GATEWAY_ERASE_AFTER = read("GATEWAY_ERASE_AFTER", duration, timedelta(days=14))

# --- request limits ------------------------------------------------------------------------------
GATEWAY_MAX_BODY = read("GATEWAY_MAX_BODY", count, 100_000)
GATEWAY_MAX_BATCH = read("GATEWAY_MAX_BATCH", natural, 0)
GATEWAY_MAX_DOCUMENT = read("GATEWAY_MAX_DOCUMENT", count, 20_000)
GATEWAY_MAX_TOKENS = read("GATEWAY_MAX_TOKENS", count, 1_500)
GATEWAY_MAX_DEPTH = read("GATEWAY_MAX_DEPTH", count, 8)
GATEWAY_MAX_FIELDS = read("GATEWAY_MAX_FIELDS", count, 100)
GATEWAY_MAX_ALIASES = read("GATEWAY_MAX_ALIASES", count, 20)
GATEWAY_MAX_ROOT_FIELDS = read("GATEWAY_MAX_ROOT_FIELDS", count, 20)
GATEWAY_MAX_DIRECTIVES = read("GATEWAY_MAX_DIRECTIVES", count, 4)
GATEWAY_MAX_MUTATIONS = read("GATEWAY_MAX_MUTATIONS", count, 1)

# --- rate limits ---------------------------------------------------------------------------------
GATEWAY_LIMITS = {
    name: read(f"GATEWAY_LIMIT_{name.upper()}", rates, rates(default))
    for name, default in {
        "sign_in_here": "10 in 5 minutes, 20 in 1 hour, 40 in 6 hours",
        "sign_in_elsewhere": "12 in 5 minutes, 45 in 1 day",
        "sign_in_address": "20 in 5 minutes",
        "sign_in_total_account": "60 in 1 minute",
        "sign_in_total_client": "120 in 1 minute",
        "register": "20 in 1 minute",
        "invalid_refresh": "300 in 1 minute",
        "own_password": "10 in 5 minutes, 40 in 1 day",
        "passkey_client": "60 in 1 minute",
        "second_factor_here": "5 in 5 minutes, 10 in 1 hour",
        "second_factor_elsewhere": "10 in 1 hour, 20 in 1 day",
        "reauthenticate": "10 in 5 minutes, 40 in 1 day",
        "update_profile": "30 in 10 minutes",
        "mail_address": "5 in 1 hour",
        "mail_client": "30 in 1 hour",
        "code_address": "5 in 10 minutes, 20 in 1 day",
        "code_client": "30 in 1 hour",
    }.items()
}

# --- passwords -----------------------------------------------------------------------------------
GATEWAY_PASSWORD_MIN_LENGTH = read("GATEWAY_PASSWORD_MIN_LENGTH", count, 8)
GATEWAY_BREACH_URL = read("GATEWAY_BREACH_URL", text, "")
PASSWORD_HASHERS = [
    "users.crypto.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "users.crypto.hashers.Bcrypt",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": GATEWAY_PASSWORD_MIN_LENGTH},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "email", "full_name")},
    },
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "users.passwords.common.CommonPassword"},
    {"NAME": "users.passwords.breached.BreachedPassword"},
    {"NAME": "users.passwords.common.ContextPassword", "OPTIONS": {"words": (GATEWAY_NAME, "graphql", "gateway")}},
]

# --- CORS ----------------------------------------------------------------------------------------
_ports = (3000, 4173, 4200, 4321, 5173, 8080)
_local = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in _ports]
_origins = read("CORS_ALLOWED_ORIGINS", origins, _local if DEBUG else [])
CORS_ALLOW_ALL_ORIGINS = "*" in _origins
CORS_ALLOWED_ORIGINS = [origin for origin in _origins if origin != "*"]
CORS_ALLOW_CREDENTIALS = read("CORS_ALLOW_CREDENTIALS", switch, GATEWAY_REFRESH_COOKIE)
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "apollographql-client-name",
    "apollographql-client-version",
    "graphql-client-name",
    "graphql-client-version",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "x-request-id",
    "x-requested-with",
    "cache-control",
    "idempotency-key",
    *read("GATEWAY_CORS_EXTRA_HEADERS", words, NONE),
]
CORS_EXPOSE_HEADERS = ["retry-after", "x-request-id"]
CORS_PREFLIGHT_MAX_AGE = 86_400
CORS_URLS_REGEX = r"^/(graphql/?$|\.well-known/)"

# --- passkeys ------------------------------------------------------------------------------------
GATEWAY_PASSKEY_RP_ID = read("GATEWAY_PASSKEY_RP_ID", domain, "localhost" if DEBUG else "")
GATEWAY_PASSKEY_ORIGINS = read(
    "GATEWAY_PASSKEY_ORIGINS",
    origins,
    passkeys.default_origins(GATEWAY_PASSKEY_RP_ID, [_own_origin, *CORS_ALLOWED_ORIGINS]),
)

# --- CSRF and security headers -------------------------------------------------------------------
CSRF_TRUSTED_ORIGINS = read("CSRF_TRUSTED_ORIGINS", origins, NONE)
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

refuse_unknown()
