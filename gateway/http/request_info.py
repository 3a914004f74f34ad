"""What the gateway knows about a request: one typed object, `request.gateway`."""

from dataclasses import dataclass
from typing import Any

from users.caller import Caller

# The label of a request that executes nothing.
NO_OPERATION = "none"


@dataclass(slots=True)
class RequestInfo:
    """The id and the client of a request, and later its caller and its operation."""

    id: str = "-"
    client_ip: str | None = None
    caller: Caller | None = None
    operation_label: str = NO_OPERATION
    operation_name: str | None = None


def info(request: Any) -> RequestInfo:
    """Return the request's info, which the middleware creates; a request made in code gets an empty one."""
    if not hasattr(request, "gateway"):
        request.gateway = RequestInfo()
    found: RequestInfo = request.gateway
    return found
