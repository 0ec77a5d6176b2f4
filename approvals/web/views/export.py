"""Stream a long list as a CSV or JSON download, row by row."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import StreamingHttpResponse

# A spreadsheet treats a cell that starts with one of these as a formula, and customers write some of the cells.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def download(name: str, rows: Iterable[dict[str, Any]], *, header: list[str], as_json: bool) -> StreamingHttpResponse:
    """Return a download named after `name` and today's date. Each row has the keys of `header`; JSON may have more."""
    ending = "json" if as_json else "csv"
    response = StreamingHttpResponse(
        json_lines(rows) if as_json else csv_lines(rows, header),
        content_type="application/json" if as_json else "text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{name}-{datetime.now(UTC):%Y-%m-%d}.{ending}"'
    return response


def csv_lines(rows: Iterable[dict[str, Any]], header: list[str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell(row[name]) for name in header})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a JSON list with one object per line."""
    between = "[\n"
    for row in rows:
        yield between + json.dumps(row, default=_plain, ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def cell(value: Any) -> str:
    """Return the value for a spreadsheet cell. An apostrophe keeps text that looks like a formula from being run."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    text = "" if value is None else str(_plain(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
