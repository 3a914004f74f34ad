"""The static files of the GraphiQL page: the project's own and third-party ones."""

from pathlib import Path

from gateway.graphiql import vendor
from gateway.http.assets import ICON, Assets

FOLDER = Path(__file__).parent
OWN_FILES = {
    name: FOLDER / name for name in ("page.css", "main.js", "bar.js", "examples.js", "session.js", "passkeys.js")
}
OWN_FILES[ICON.name] = ICON


def read(name: str) -> bytes:
    """Return the content of a listed file. Raise FileNotFoundError for any other name."""
    if name in vendor.FILES:
        return (vendor.FOLDER / name).read_bytes()
    if name in OWN_FILES:
        return OWN_FILES[name].read_bytes()
    raise FileNotFoundError(name)


assets = Assets("graphiql:asset", read)
