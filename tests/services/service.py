"""Another service, `python -m tests.services.service PORT`: one route that only users of the gateway get."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

from tests.clients.recipes.guard import caller


class Handler(BaseHTTPRequestHandler):
    """Answers 200 and the user's id, or 401."""

    def do_GET(self) -> None:
        """Guarded."""
        try:
            user_id = caller(self.headers.get("Authorization", ""))["sub"]
        except jwt.PyJWTError:
            self.send_error(401)
            return
        self.send_response(200)
        self.send_header("X-User-Id", user_id)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
