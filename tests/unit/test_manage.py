"""manage.py reports a configuration error in one line instead of a traceback."""

from typing import Any

import pytest
from django.db import OperationalError

import manage

PLACE = {"NAME": "shop", "HOST": "db.internal", "PORT": 5433, "PASSWORD": "secret", "USER": "someone"}
AWAY = OperationalError("couldn't get a connection\n after 10.00 sec")


@pytest.mark.parametrize(
    ("place", "where"),
    [
        (PLACE, "shop at db.internal:5433"),
        (PLACE | {"PORT": ""}, "shop at db.internal"),
        (PLACE | {"HOST": "", "PORT": ""}, "shop at localhost"),
    ],
)
def test_an_unreachable_database_is_named_without_its_password(place: dict[str, Any], where: str) -> None:
    assert manage.unreachable(AWAY, place) == (
        f"The database {where} did not answer: couldn't get a connection after 10.00 sec.\n"
        "Start it, or set DATABASE_URL to one that can be reached (postgres://user:password@host:port/name)."
    )
