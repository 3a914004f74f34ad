"""Django's PostgreSQL, with connections that neither hang nor cost a question to see whether they are there."""
