"""Every address that the gateway answers."""

import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from gateway import health, jwks
from gateway.middleware import JWTMiddleware
from gateway.schema import schema
from gateway.view import GatewayView, fail

# No cookie says who asks here; the one of cookie mode has a guard of its own.
graphql = csrf_exempt(JWTMiddleware(GatewayView(schema=schema).dispatch))
urlpatterns: list[URLPattern | URLResolver] = [
    path("graphql", graphql, name="graphql"),
    path("graphql/", graphql),
    path(".well-known/jwks.json", jwks.show),
    path("healthz", health.live),
    path("readyz", health.ready),
    path("account/", include("gateway.pages.urls")),
]
if settings.GATEWAY_EXPLORER:
    urlpatterns += [
        path("", lambda request: redirect("graphql")),
        path("graphql/explorer/", include("gateway.explorer.urls")),
    ]
if settings.GATEWAY_ADMIN:
    # Named, not imported: where the admin is off, its code is not even loaded.
    urlpatterns += [
        path("admin", lambda request: redirect("admin:index")),
        path("admin/", include("gateway.admin_urls")),
    ]


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer every other address; the middleware adds the content."""
    return HttpResponseNotFound()


def failed(request: HttpRequest) -> HttpResponse:
    """What is left to say when a page failed, or what stands before every page."""
    return fail(sys.exception() or RuntimeError("a page failed"), request)


# A route of its own: in development Django would show a page in place of the handler's answer.
urlpatterns.append(re_path("", not_found))
handler404 = not_found
handler500 = failed
