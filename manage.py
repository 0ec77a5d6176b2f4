#!/usr/bin/env python
import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, connection
from django.db.utils import InterfaceError


def main() -> None:
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"The settings cannot be used: {error}")
    except (OperationalError, InterfaceError) as error:
        sys.exit(unreachable(error, connection.settings_dict))


def unreachable(error: Exception, place: dict[str, Any]) -> str:
    """Return a line that names the database, without its password, and what to do."""
    where = f"{place['NAME']} at {place['HOST'] or 'localhost'}" + (f":{place['PORT']}" if place["PORT"] else "")
    reason = " ".join(str(error).split())
    return (
        f"The database {where} did not answer: {reason}.\n"
        "Start it, or set DATABASE_URL to one that can be reached (postgres://user:password@host:port/name)."
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
    main()
