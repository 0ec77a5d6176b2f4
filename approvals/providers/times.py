"""Moments as providers write them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator


def _to_utc(moment: datetime) -> datetime:
    """Convert to UTC. A moment outside the years 1 to 9999 in UTC can't be read back from the database."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("must be within the years 1 to 9999 in UTC") from error


UtcTime = Annotated[datetime, AfterValidator(_to_utc)]
