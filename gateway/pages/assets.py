"""The files that the landing pages load."""

from pathlib import Path

from gateway.http.assets import ICON, Assets

HERE = Path(__file__).parent
FILES = {
    name: HERE / name
    for name in ("pages.css", "pages.js", "address.js", "form.js", "gateway.js", "steps.js", "words.js")
}
FILES[ICON.name] = ICON


def read(name: str) -> bytes:
    """The content of a listed file; FileNotFoundError for any other."""
    if name in FILES:
        return FILES[name].read_bytes()
    raise FileNotFoundError(name)


assets = Assets("pages:asset", read)
