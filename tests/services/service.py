"""Another service, `python -m tests.services.service PORT`: one route that only users of the gateway get."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

from tests.clients.recipes.guard import caller


class Handler(BaseHTTPRequestHandler):
    """Answers 200 and the user's id, or 401."""

    def do_GET(self) -> None:
        """Guarded."""
        try:
            status, body = 200, {"user": caller(self.headers.get("Authorization", ""))["sub"]}
        except jwt.PyJWTError:
            status, body = 401, {}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
