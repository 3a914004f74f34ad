"""The info of a request."""

from django.http import HttpRequest

from gateway.http.request_info import RequestInfo, get_info


def test_a_request_has_one_info_of_its_own() -> None:
    request, other = HttpRequest(), HttpRequest()
    get_info(request).id = "request-12345"
    assert get_info(request).id == "request-12345"
    assert get_info(other) == RequestInfo()
