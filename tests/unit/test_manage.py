"""manage.py reports a configuration error in one line instead of a traceback."""

from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.db.utils import InterfaceError

import manage


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
def test_an_unreachable_database_is_named_without_its_password(
    away: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(arguments: list[str]) -> None:
        raise away("couldn't get a connection\n after 10.00 sec")

    place = {
        "NAME": "shop",
        "HOST": "db.internal",
        "PORT": 5433,
        "PASSWORD": "secret",
        "USER": "someone",
    }
    monkeypatch.setattr(manage, "execute_from_command_line", command)
    monkeypatch.setattr(manage, "connection", SimpleNamespace(settings_dict=place))
    with pytest.raises(SystemExit) as ended:
        manage.main()
    message = str(ended.value)
    assert message.startswith(
        "The database shop at db.internal:5433 did not answer: couldn't get a connection after 10.00 sec."
    )
    assert "DATABASE_URL" in message
    assert "secret" not in message
