"""The URLs of the gateway."""

import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from gateway.graphql.authentication import JWTMiddleware
from gateway.graphql.schema import schema
from gateway.graphql.view import GatewayView
from gateway.http import health
from gateway.http.jwks import jwks
from gateway.http.related_origins import related_origins
from gateway.http.responses import failure_response

# Cookies do not authenticate here. In cookie mode the refresh cookie has its own protection (refresh_cookie.py).
graphql = csrf_exempt(JWTMiddleware(GatewayView(schema=schema).dispatch))
urlpatterns: list[URLPattern | URLResolver] = [
    path("graphql", graphql, name="graphql"),
    path("graphql/", graphql),
    path(".well-known/jwks.json", jwks),
    path(".well-known/webauthn", related_origins),
    path("healthz", health.live),
    path("readyz", health.ready),
    path("account/", include("gateway.pages.urls")),
]
if settings.GATEWAY_EXPLORER:
    urlpatterns += [
        path("", lambda request: redirect("graphql")),
        path("graphql/explorer/", include("gateway.graphiql.urls")),
    ]
if settings.GATEWAY_ADMIN:
    # By name, so that the admin is imported only when it is on.
    urlpatterns += [
        path("admin", lambda request: redirect("admin:index")),
        path("admin/", include("gateway.admin_urls")),
    ]


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return status 404. The middleware adds the content."""
    return HttpResponseNotFound()


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the response to a request whose view or middleware raised an unexpected exception."""
    return failure_response(sys.exception() or RuntimeError("the view failed"), request)


# A route, because in development Django replaces the answer of handler404 with its own page.
urlpatterns.append(re_path("", not_found))
handler404 = not_found
handler500 = server_error
