import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agentops.management import beside
from approvals.models import Comparison, Finding
from approvals.reconciliation import comparison
from approvals.web.queries import findings

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = (
        "Compares the payment provider's books with ours, both ways, and lists what differs. Ends with status 1 where "
        "a finding is open or the provider cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, default="24h", metavar="T",
                            help="24h, 3d, or a day or time in UTC: 2026-11-01 (default: 24h)")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        beside.use_demo()
        if settings.PAYMENTS_BACKEND == "http" and not settings.PAYMENTS_URL:
            raise CommandError("PAYMENTS_URL is not set, so there are no books to compare with.")
        made = comparison.compare_records(since=options["since"])
        if made.error and not options["json"]:
            raise CommandError(f"The books were not compared: {made.error}")
        opened = list(findings.unclosed_findings().select_related("action"))
        self.stdout.write(as_json(made, opened) if options["json"] else as_table(made, opened))
        if made.error:
            raise CommandError(f"The books were not compared: {made.error}")
        if opened:
            raise CommandError(f"{len(opened)} finding{'s' * (len(opened) != 1)} open.")


def moment(text: str) -> datetime:
    """'24h' is so long ago; a day or a time without a zone is UTC."""
    if span := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return timezone.now() - timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is none of 24h, 3d, 2026-11-01, 2026-11-01T14:00") from None
    if found > timezone.now():
        raise ArgumentTypeError(f"{text!r} is yet to come; give a time that has been: 24h, 3d, 2026-11-01")
    return found


def as_json(made: Comparison, opened: list[Finding]) -> str:
    told = {
        "comparison": {
            "since": made.since,
            "started_at": made.started_at,
            "finished_at": made.finished_at,
            **{name: getattr(made, name) for name in ("theirs", "ours", "opened", "closed", "error")},
        },
        "findings": [
            {name: getattr(row, name) for name in ("id", "kind", "reference", "ours", "theirs", "happened_at")}
            | {"action": row.action_id, "found_at": row.found_at}
            for row in opened
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False, default=datetime.isoformat)


def as_table(made: Comparison, opened: list[Finding]) -> str:
    lines = [
        f"since            {made.since:%Y-%m-%d %H:%M} UTC",
        f"at the provider  {made.theirs} refunds",
        f"settled by us    {made.ours} refunds",
        f"findings         {made.opened} new, {made.closed} no longer seen, {len(opened)} open",
    ]
    rows = [
        (row.get_kind_display(), findings.our_side(row).amount, findings.their_side(row).amount,
         f"{row.happened_at:%Y-%m-%d %H:%M}", row.reference)
        for row in opened
    ]  # fmt: skip
    if rows:
        lines += ["", *_columns([("finding", "ours", "theirs", "when (UTC)", "reference"), *rows])]
    return "\n".join(lines)


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
