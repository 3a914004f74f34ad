"""The files that GraphiQL's page loads: ours, and other people's."""

from pathlib import Path

from gateway.explorer import vendor
from gateway.http.assets import ICON, Assets

HERE = Path(__file__).parent
OURS = {name: HERE / name for name in ("explorer.css", "explorer.js", "bar.js", "examples.js", "session.js")}
OURS[ICON.name] = ICON


def read(name: str) -> bytes:
    """The content of a listed file; FileNotFoundError for any other."""
    if name in vendor.FILES:
        return (vendor.FOLDER / name).read_bytes()
    if name in OURS:
        return OURS[name].read_bytes()
    raise FileNotFoundError(name)


assets = Assets("explorer:asset", read)
