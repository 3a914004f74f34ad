"""A backup that is restored: what ended since must not come back."""

import subprocess
import sys
from pathlib import Path

from tests.api import NEW_PASSWORD, PASSWORD
from tests.faults import engine
from tests.faults.conftest import Start
from tests.faults.engine import Engine
from tests.faults.process import Gateway
from tests.faults.storm import JOIN, ME, REFRESH, SIGN_IN, told
from tests.server import ROOT, gateway_environment

CHANGE = "mutation ($o: String!, $n: String!) { changePassword(oldPassword: $o, newPassword: $n) { endedSessions } }"
ASK = 'mutation { requestPasswordReset(email: "alice@example.com") { accepted } }'


def steps() -> list[str]:
    """Return the commands of docs/backup.md: the one that dumps, and the three that restore."""
    page = (ROOT / "docs" / "backup.md").read_text()
    dump, restore = (page.partition(f"## {title}\n")[2].split("```")[1] for title in ("Back up", "Restore"))
    return [line for block in (dump, restore) for line in block.splitlines()[1:]]


def run(command: str, gateway: Gateway, folder: Path) -> str:
    """What a command says."""
    place = Path(engine.program("pg_dump") or "").parent
    environment = gateway_environment(gateway.settings)
    environment["PATH"] = f"{place}:{environment['PATH']}"
    command = command.replace("./manage.py", f"{sys.executable} {ROOT / 'manage.py'}")
    environment["PYTHONPATH"] = str(ROOT)
    ran = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_f20_a_backup_restored_as_the_docs_say_brings_back_no_session_and_no_letter(
    start: Start, postgres: Engine, tmp_path: Path
) -> None:
    gateway = start(postgres.create("gateway"))
    origin = gateway.origin
    alice = told(origin, JOIN, n="alice", e="alice@example.com", p=PASSWORD)["data"]["register"]
    told(origin, ASK)
    dumping, restoring, migrating, ending = steps()
    run(dumping, gateway, tmp_path)
    # Since: a rotation, another session, a changed password.
    rotated = told(origin, REFRESH, t=alice["refreshToken"])["data"]["refreshToken"]
    bob = told(origin, JOIN, n="bob", e="bob@example.com", p=PASSWORD)["data"]["register"]
    assert told(origin, CHANGE, token=rotated["token"], o=PASSWORD, n=NEW_PASSWORD)["data"]["changePassword"]
    gateway.kill()
    run(restoring, gateway, tmp_path)
    run(migrating, gateway, tmp_path)
    assert "1 sessions ended" in run(ending, gateway, tmp_path)
    gateway.start()
    gateway.await_ready()
    for token in (alice["refreshToken"], rotated["refreshToken"], bob["refreshToken"]):
        assert told(origin, REFRESH, t=token)["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"
    for token in (alice["token"], rotated["token"], bob["token"]):
        assert told(origin, ME, token=token)["errors"][0]["extensions"]["reason"] == "TOKEN_INVALID"
    with postgres.connect("gateway") as connection:
        for table in ("users_proof", "django_tasks_database_dbtaskresult"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    # The password is that of the backup, and its owner signs in with it.
    assert told(origin, SIGN_IN, n="alice", p=PASSWORD)["data"]["tokenAuth"]
