"""What faults are made of: databases of the tests' own, and gateways over them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import engine
from tests.faults.engine import Engine
from tests.faults.process import Gateway

HERE = Path(__file__).parent
Start = Callable[..., Gateway]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They bring their own databases, and so run once, whatever the run's own is."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL that a test may do anything to, if it puts it right again."""
    if engine.LACKING:
        pytest.skip(engine.LACKING)
    with engine.running(max_connections="40") as found:
        yield found


@pytest.fixture
def database(postgres: Engine) -> str:
    """The address of an empty database in it, whatever was done to it before."""
    postgres.mend()
    return postgres.create("gateway")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways, which are gone afterwards."""
    with ExitStack() as started:
        yield lambda database, **settings: started.enter_context(Gateway(tmp_path, DATABASE_URL=database, **settings))
