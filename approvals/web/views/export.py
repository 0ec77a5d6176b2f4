"""Answers that stream a long list as CSV or JSON, row by row."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import StreamingHttpResponse

# A spreadsheet reads a cell that begins so as a formula, and customers write into these cells.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def download(name: str, rows: Iterable[dict[str, Any]], *, header: list[str], as_json: bool) -> StreamingHttpResponse:
    """A download called `name` and today's date. Each row has the keys of `header`; JSON may have more."""
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
    """A JSON list, one object a line."""
    between = "[\n"
    for row in rows:
        yield between + json.dumps(row, default=_plain, ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def cell(value: Any) -> str:
    """A value as a spreadsheet's cell: text that would be read as a formula is kept text by an apostrophe."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    text = "" if value is None else str(_plain(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
