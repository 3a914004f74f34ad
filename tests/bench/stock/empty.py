"""A WSGI application that does nothing: what the server and the load generator can do at most."""

BODY = b'{"data":null}'


def application(environ, start_response):
    """The same few bytes to everyone, once the request is read."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
