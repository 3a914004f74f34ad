"""The gateway as a WSGI application."""

import os

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
application = get_wsgi_application()

# manage.py runs the checks before each command. A WSGI server does not.
failed_checks = [found for found in run_checks() if found.is_serious() and not found.is_silenced()]
if failed_checks:
    raise ImproperlyConfigured(" ".join(f"{found.msg} ({found.id})" for found in failed_checks))
