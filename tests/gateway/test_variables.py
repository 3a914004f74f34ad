"""Requests as granian tells them, told as WSGI does."""

from gateway.variables import environment
from tests.gateway.test_rsgi import Headers, scope


def test_a_request_is_what_wsgi_knows() -> None:
    given = Headers(
        {"host": "localhost", "x-a": "1", "cookie": "a=1", "x_forwarded_for": "evil", "content-length": "9"}
    )
    given.twice = (("x-a", "2"), ("cookie", "b=2"))
    environ = environment(scope(headers=given, path="/é x", query_string="a=%20", client="[::1]:99"), b"{}")
    shown = {name: environ[name] for name in ("PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")}
    assert shown == {
        "PATH_INFO": "/Ã© x",
        "QUERY_STRING": "a=%20",
        "REMOTE_ADDR": "::1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
    }
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"], environ["HTTP_HOST"]) == ("1,2", "a=1;b=2", "localhost")
    assert environ["CONTENT_LENGTH"] == "2"
    assert "evil" not in environ.values()
    assert not {"SECRET_KEY", "PATH", "DATABASE_URL"} & environ.keys()
    assert environment(scope(authority="auth.example"), b"")["HTTP_HOST"] == "auth.example"
