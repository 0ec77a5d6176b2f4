"""The database connections of this process."""

from django.db import connections

from agentops.lib.outbound import NotLetOut


def give_back_connections() -> None:
    """Give the thread's connections back to the pool. Raises NotLetOut while it has a transaction open."""
    for each in connections.all(initialized_only=True):
        if each.in_atomic_block:
            raise NotLetOut("A call inside a database transaction")
        each.close()
