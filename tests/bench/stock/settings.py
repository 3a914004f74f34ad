"""`startproject`'s settings, with what the README files of graphene-django and django-graphql-jwt add."""

import os
from datetime import timedelta

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "tests.bench.stock.urls"
WSGI_APPLICATION = "tests.bench.stock.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "graphene_django",
    "graphql_jwt.refresh_token.apps.RefreshTokenConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["STOCK_DATABASE"],
        "USER": os.environ.get("STOCK_USER", ""),
        "PASSWORD": os.environ.get("STOCK_PASSWORD", ""),
        "HOST": os.environ.get("STOCK_HOST", ""),
        "PORT": os.environ.get("STOCK_PORT", ""),
        # Django's default is a new connection for each request, which would cost more.
        "CONN_MAX_AGE": None,
    }
}
AUTHENTICATION_BACKENDS = ["graphql_jwt.backends.JSONWebTokenBackend", "django.contrib.auth.backends.ModelBackend"]
# The gateway's cost of a hash, so that no difference is one of hashing.
PASSWORD_HASHERS = ["tests.bench.hashers.TimedArgon2"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
GRAPHENE = {
    "SCHEMA": "tests.bench.stock.schema.schema",
    "MIDDLEWARE": ["graphql_jwt.middleware.JSONWebTokenMiddleware"],
}
GRAPHQL_JWT = {
    "JWT_VERIFY_EXPIRATION": True,
    "JWT_LONG_RUNNING_REFRESH_TOKEN": True,
    # The measurement takes longer than five minutes, the default.
    "JWT_EXPIRATION_DELTA": timedelta(minutes=15),
}
