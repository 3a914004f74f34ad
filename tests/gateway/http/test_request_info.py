"""`request.gateway`."""

from django.http import HttpRequest

from gateway.http.request_info import RequestInfo, get_info


def test_every_request_has_its_own_info() -> None:
    request, other = HttpRequest(), HttpRequest()
    get_info(request).id = "request-12345"
    assert get_info(request).id == "request-12345"
    assert get_info(other) == RequestInfo()
