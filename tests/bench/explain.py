"""`python -m tests.bench.explain`: how each engine finds the rows that requests ask for, as it says itself."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.db import connection, reset_queries
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.bench import asking, growth, stacks, straight
from tests.server import ROOT, surroundings

OTHERS = 3_000
COMMANDS = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN", "mysql": "EXPLAIN"}


def main() -> None:
    """Explain on SQLite, PostgreSQL, and a MySQL or MariaDB where BENCH_MYSQL says where one is."""
    if "DATABASE_URL" in os.environ:
        with straight.quietly():
            explain()
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = stacks.gateway("explain")
        urls = [f"sqlite:///{Path(folder) / 'explain.sqlite3'}", stack.settings["DATABASE_URL"]]
        stacks.make_database("bench_explain")
        for url in [*urls, *filter(None, [os.environ.get("BENCH_MYSQL")])]:
            environment = surroundings(stack.settings | {"DATABASE_URL": url})
            for command in ([*stack.migrate, "--verbosity", "0"], ["-m", "tests.bench.explain"]):
                subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)


def explain() -> None:
    """Print how the engine of the environment would execute the statements of each request."""
    member = straight.join("straight")
    fill()
    print(f"\n{connection.vendor}, among {OTHERS:,} accounts, sessions and events of others")
    requests = {name: asking.request(name, member) for name in asking.OPERATIONS if name != "register"}
    requests |= {name: asking.post(document, {}, member.token) for name, document in growth.READS.items()}
    for name, request in requests.items():
        reset_queries()
        with CaptureQueriesContext(connection) as captured:
            straight.repeated(request, 1)
        for query in captured.captured_queries:
            if query["sql"].startswith(("SELECT", "(SELECT", "UPDATE")):
                print(f"{name:13} {shortened(query['sql']):58} {plan(query['sql'])}")


def plan(statement: str) -> str:
    """Which table is read, and by which index."""
    with connection.cursor() as cursor:
        cursor.execute(f"{COMMANDS[connection.vendor]} {statement}")
        rows = cursor.fetchall()
    if connection.vendor == "mysql":
        return "; ".join(f"{row[2]} {row[3]} by {row[5]}" for row in rows if row[2])
    lines = [str(row[-1]).strip().removeprefix("->").strip() for row in rows]
    return "; ".join(line.partition("  (")[0] for line in lines if "Scan" in line or "SEARCH" in line or "SCAN" in line)


def shortened(statement: str) -> str:
    """What a statement does, to which table."""
    quote = "`" if connection.vendor == "mysql" else '"'
    words = statement.partition(f"FROM {quote}" if "SELECT" in statement[:7] else f"UPDATE {quote}")[2]
    joined = " with its user" if "INNER JOIN" in statement else ""
    return f"{statement.split()[0]} {words.partition(quote)[0]}{joined}"


def fill() -> None:
    """Others beside the one who asks, in all tables alike."""
    # The models are known when Django is up.
    from users.models import Attempts, Event, Session, User

    now = timezone.now()
    users = [User(username=f"other{number}", email=f"other{number}@example.com") for number in range(OTHERS)]
    common = {"ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0"}
    moments = {"created_at": now, "rotated_at": now, "expires_at": now, "absolute_expires_at": now}
    made: list[list[Model]] = [
        [*users],
        [Session(user=user, current="0" * 64, credential_version=0, **common, **moments) for user in users],
        [Event(user=user, kind="session.opened", at=now, **common) for user in users],
        [Attempts(key=f"other{number}", most=1, window=1, until=0) for number in range(OTHERS)],
    ]
    for rows in made:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=500)
    with connection.cursor() as cursor:
        tables = ", ".join(type(rows[0])._meta.db_table for rows in made)
        cursor.execute(
            "ANALYZE"
            if connection.vendor == "sqlite"
            else f"ANALYZE {'TABLE ' * (connection.vendor == 'mysql')}{tables}"
        )


if __name__ == "__main__":
    main()
