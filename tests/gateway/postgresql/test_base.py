"""The connections to PostgreSQL, after the server has closed them."""

import threading
from typing import Any

import pytest
from django.db import connection

from tests.server import hang_up


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the database is not PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_f05_the_first_query_succeeds_though_the_server_closed_all_connections_of_the_pool(
    run_concurrently: Any,
) -> None:
    connection.close()
    size = connection.settings_dict["OPTIONS"]["pool"]["max_size"]
    all_taken = threading.Barrier(size)

    def take_one() -> None:
        connection.ensure_connection()
        all_taken.wait()

    run_concurrently([take_one] * size)
    hang_up()
    connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert connection.pool.get_stats()["pool_size"] <= size
