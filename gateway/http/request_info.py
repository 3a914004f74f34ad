"""The gateway's data about a request: one typed object, `request.gateway`."""

from dataclasses import dataclass
from typing import Any

from users.caller import Caller

# The label of a request that executes no operation.
NO_OPERATION = "none"


@dataclass(slots=True)
class RequestInfo:
    """The id and the client IP address of a request, and later its caller and its operation."""

    id: str = "-"
    client_ip: str | None = None
    caller: Caller | None = None
    operation_label: str = NO_OPERATION
    operation_name: str | None = None


def get_info(request: Any) -> RequestInfo:
    """Return `request.gateway`. Create it for a request that has not passed the middleware."""
    if not hasattr(request, "gateway"):
        request.gateway = RequestInfo()
    info: RequestInfo = request.gateway
    return info
