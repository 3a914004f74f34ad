"""The static files of the landing pages."""

from pathlib import Path

from gateway.http.assets import ICON, Assets

FOLDER = Path(__file__).parent
FILES = {
    name: FOLDER / name
    for name in ("pages.css", "form.css", "pages.js", "client.js", "form.js", "messages.js", "steps.js", "token.js")
}
FILES[ICON.name] = ICON


def read(name: str) -> bytes:
    """Return the content of a listed file. Raise FileNotFoundError for any other name."""
    if name in FILES:
        return FILES[name].read_bytes()
    raise FileNotFoundError(name)


assets = Assets("pages:asset", read)
