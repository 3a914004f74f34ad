"""Many accounts, sessions and events, created by PostgreSQL."""

import os

import psycopg

# The user whose requests are measured.
OWNER = "owner"

USERS = """
INSERT INTO users_user (id, password, is_superuser, username, email, full_name, bio, image_url, is_email_verified,
    is_active, is_staff, date_joined, credential_version)
SELECT gen_random_uuid(), '!', false, 'grown' || n, 'grown' || n || '@example.com', '', '', '', false,
    true, false, now() - n * interval '1 second', 0
FROM generate_series(%s::int, %s::int) AS n
"""
SESSIONS = """
INSERT INTO users_session (id, user_id, selector, current, previous, generation, credential_version, device_name,
    user_agent, ip_address, created_at, rotated_at, expires_at, absolute_expires_at)
SELECT gen_random_uuid(), owner.id, gen_random_uuid(), md5(n::text) || md5(n::text), '', 0, 0, '',
    'Mozilla/5.0', '192.0.2.1', now(), now(), now() + interval '7 days', now() + interval '30 days'
FROM generate_series(%s::int, %s::int) AS n JOIN (
    SELECT id, row_number() OVER () AS place FROM users_user WHERE password = '!'
) AS owner ON owner.place = 1 + n %% (SELECT count(*) FROM users_user WHERE password = '!')
"""
EVENTS = """
INSERT INTO users_event (id, user_id, kind, at, ip_address, user_agent, facts)
SELECT gen_random_uuid(), owner.id, 'session.opened', now() - n * interval '1 second', '192.0.2.1', 'Mozilla/5.0', '{}'
FROM generate_series(%s::int, %s::int) AS n JOIN (
    SELECT id, row_number() OVER () AS place FROM users_user WHERE password = '!'
) AS owner ON owner.place = 1 + n %% (SELECT count(*) FROM users_user WHERE password = '!')
"""
# All of one user.
OWN_EVENTS = """
INSERT INTO users_event (id, user_id, kind, at, ip_address, user_agent, facts)
SELECT gen_random_uuid(), id, 'session.opened', now() - n * interval '1 second', '192.0.2.1', 'Mozilla/5.0', '{}'
FROM generate_series(%s::int, %s::int) AS n, users_user WHERE username = 'owner'
"""


def grow(statement: str, former: int, wanted: int) -> None:
    """Add rows until there are as many as wanted, and update the statistics of the planner."""
    # A connection of its own: the gateway's ends long statements.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        if wanted > former:
            connection.execute(statement, [former + 1, wanted])
        connection.execute("ANALYZE")
