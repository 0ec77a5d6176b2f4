"""Times that arrive from outside: RFC 3339 with a time zone, kept in UTC."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

VALID_TIME = "must be a date and time with a time zone (RFC 3339), for example 2026-11-25T10:00:00Z"
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d")


def _utc(moment: datetime) -> datetime:
    """Convert to UTC. The contracts set no bounds, so any moment that has a date in UTC is accepted."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is outside the years 1 to 9999") from None


def _say_what_is_valid(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        if isinstance(value, datetime) or (isinstance(value, str) and _DATE_AND_TIME.match(value)):
            return handler(value)
    except ValidationError:
        pass
    raise ValueError(VALID_TIME)


# A time without a zone is refused instead of guessed: it may be hours off.
Moment = Annotated[AwareDatetime, Field(strict=False), WrapValidator(_say_what_is_valid), AfterValidator(_utc)]
