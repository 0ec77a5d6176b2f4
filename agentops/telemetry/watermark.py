"""How far what ended can be told of: rows are written with the time of their statement and seen once it commits."""

from datetime import UTC, datetime

from django.db import connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A statement that has just begun may not be seen among those at work yet.
SETTLE_SECONDS = 1
# Who has written holds a transaction number, and everything written since bears a later time than the transaction's
# beginning. A statement without a number may be about to write; one that has run for a minute only reads.
_SAFE_SQL = """
    SELECT least(
        statement_timestamp() - make_interval(secs => %s),
        (SELECT min(CASE WHEN backend_xid IS NOT NULL THEN xact_start ELSE query_start END) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND (backend_xid IS NOT NULL
                OR (state = 'active' AND query_start > statement_timestamp() - interval '1 minute')))
    )
"""


def safe_until(settle_seconds: float = SETTLE_SECONDS) -> datetime:
    """Nothing that ended up to this moment is still to be committed, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(_SAFE_SQL, [settle_seconds])
        [moment] = cursor.fetchone()
    assert isinstance(moment, datetime)
    return moment
