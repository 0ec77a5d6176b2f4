"""How far readers of ended work may advance.

A row carries the time of its statement but becomes visible only when its transaction commits. A reader that advanced
to the current time would miss the rows of transactions that are still open.
"""

from datetime import UTC, datetime

from django.db import connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A statement that has just started may not be in pg_stat_activity yet.
SETTLE_SECONDS = 1
# A transaction that has written has an xid, and all its rows are later than its start. A statement without an xid may
# be about to write; after a minute we take it for a long read, or one report could hold up the watermark.
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
    """Return the latest moment, by the database's clock, before which every row is committed."""
    with connection.cursor() as cursor:
        cursor.execute(_SAFE_SQL, [settle_seconds])
        [moment] = cursor.fetchone()
    assert isinstance(moment, datetime)
    return moment
