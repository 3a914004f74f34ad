"""`python -m tests.bench.pruning`: bytes of a row, and the time of `manage.py prune`, with many sessions and events.

The default of 10 million events needs about 5 GB of disk until the database is dropped at the end.
"""

import argparse
import re
import subprocess
import sys
import time

import psycopg

from tests.bench import report, stacks
from tests.server import ROOT, gateway_environment

EVENTS = 10_000_000
EVENTS_PER_SESSION, SESSIONS_PER_USER = 50, 2
# Events are spread over a year, the time for which they are kept, and one more day.
DAYS = 366
BACKLOG_DAYS = 30
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
FACTS = '{"device": "browser"}'
# Each rotation leaves a former version of the row.
ROTATIONS = 3

USERS = """
INSERT INTO users_user (id, password, is_superuser, username, email, full_name, bio, image_url, is_email_verified,
    is_active, is_staff, date_joined, credential_version)
SELECT md5(n::text)::uuid, '$argon2id$v=19$m=19456,t=2,p=1$' || repeat('x', 66), false, 'user' || n,
    'user' || n || '@example.com', '', '', '', true, true, false, now(), 0
FROM generate_series(1, %(users)s) AS n
"""
SESSIONS = """
INSERT INTO users_session (id, user_id, selector, current, previous, generation, credential_version, device_name,
    user_agent, ip_address, created_at, rotated_at, expires_at, absolute_expires_at)
SELECT gen_random_uuid(), md5((1 + n %% %(users)s)::text)::uuid, gen_random_uuid(), md5(n::text) || md5(n::text), '', 0,
    0, '', %(agent)s, '192.0.2.1', now(), now(), now() + interval '7 days',
    now() + interval '90 days' * n / %(sessions)s
FROM generate_series(1, %(sessions)s) AS n
"""
# In the order of time, as a gateway writes them.
EVENT_ROWS = """
INSERT INTO users_event (id, user_id, session_id, kind, at, ip_address, user_agent, facts)
SELECT gen_random_uuid(), md5((1 + n %% %(users)s)::text)::uuid, gen_random_uuid(), 'session.opened',
    now() - %(days)s * interval '1 day' + n * (%(days)s * interval '1 day' / %(events)s), '192.0.2.1', %(agent)s,
    %(facts)s
FROM generate_series(1, %(events)s) AS n
"""
ROTATE = """
UPDATE users_session SET previous = current, current = md5(random()::text) || md5(random()::text),
    generation = generation + 1, rotated_at = now(), expires_at = now() + interval '7 days'
"""
PAGE = """
EXPLAIN (ANALYZE, FORMAT TEXT) SELECT * FROM users_event
WHERE user_id = md5('7')::uuid ORDER BY at DESC, id DESC LIMIT 21
"""


def main() -> None:
    """Print the report, and drop the database."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pruning")
    parser.add_argument("--events", type=int, default=EVENTS)
    run(parser.parse_args().events)


def run(events: int) -> None:
    """Print the report, and drop the database."""
    sessions = events // EVENTS_PER_SESSION
    sizes = {"events": events, "sessions": sessions, "users": sessions // SESSIONS_PER_USER, "days": DAYS}
    report.header(f"Growth and pruning: {events:,} events, {sessions:,} sessions, {sizes['users']:,} users")
    stack = stacks.gateway("pruning")
    stacks.prepare(stack)
    name = stack.settings["DATABASE_URL"].rpartition("/")[2]
    try:
        with psycopg.connect(stack.settings["DATABASE_URL"], autocommit=True) as connection:
            _grow(connection, sizes)
            _prune(connection, stack)
    finally:
        with psycopg.connect(stacks.database("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _grow(connection: "psycopg.Connection[tuple[object, ...]]", sizes: dict[str, int]) -> None:
    given = {**sizes, "agent": AGENT, "facts": FACTS}
    # Without checks of foreign keys, which hold here.
    connection.execute("SET session_replication_role = replica")
    for table, count, statement in (
        ("user", sizes["users"], USERS),
        ("session", sizes["sessions"], SESSIONS),
        ("event", sizes["events"], EVENT_ROWS),
    ):
        connection.execute(statement, given)
        report.line(f"bytes of a row in users_{table}, with indexes", _bytes(connection, table) / count, "bytes")
    for _ in range(ROTATIONS):
        connection.execute(ROTATE)
        connection.execute("VACUUM users_session")
    report.line("bytes of a session after rotations", _bytes(connection, "session") / sizes["sessions"], "bytes")
    connection.execute("VACUUM ANALYZE")
    connection.execute(PAGE)
    report.line("ms of a page of events of one user", _milliseconds(connection), "ms")


def _prune(connection: "psycopg.Connection[tuple[object, ...]]", stack: stacks.Stack) -> None:
    year = DAYS - 1
    for title, kept in (("nothing", 2 * year), ("one day", year), (f"{BACKLOG_DAYS} days", year - BACKLOG_DAYS)):
        environment = gateway_environment({**stack.settings, "GATEWAY_EVENTS_KEPT": f"{kept}d"})
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "manage.py", "prune"],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - began
        (deleted,) = re.findall(r"^(\d+) events deleted", ran.stdout, re.M)
        report.line(f"seconds to prune {title}", seconds, "s", note=f"{int(deleted):,} events")
        report.line("ms of a page of events of one user afterwards", _milliseconds(connection), "ms")


def _bytes(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> int:
    row = connection.execute("SELECT pg_total_relation_size(%s)", [f"users_{table}"]).fetchone()
    assert row
    return int(str(row[0]))


def _milliseconds(connection: "psycopg.Connection[tuple[object, ...]]") -> float:
    lines = [str(line) for (line,) in connection.execute(PAGE).fetchall()]
    return float(lines[-1].removeprefix("Execution Time: ").removesuffix(" ms"))


if __name__ == "__main__":
    main()
