import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agentops.management import running_demo
from approvals.models import Comparison, Finding
from approvals.reconciliation import comparison
from approvals.web.queries import findings

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = (
        "Compare the payment provider's records with ours in both directions, and list the differences. Exits with "
        "status 1 if a finding is open or the provider can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=moment,
            default="24h",
            metavar="T",
            help="start of the period: 24h, 3d, or a day or time in UTC such as 2026-11-01 (default: 24h)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        running_demo.use_demo()
        if settings.PAYMENTS_BACKEND == "http" and not settings.PAYMENTS_URL:
            raise CommandError("PAYMENTS_URL is not set, so there is nothing to compare with.")
        made = comparison.compare_records(since=options["since"])
        # With --json, print the result first: a program needs it whether or not the comparison failed.
        if made.error and not options["json"]:
            raise CommandError(f"The comparison failed: {made.error}")
        opened = list(findings.unclosed_findings().select_related("action"))
        self.stdout.write(as_json(made, opened) if options["json"] else as_table(made, opened))
        if made.error:
            raise CommandError(f"The comparison failed: {made.error}")
        if opened:
            raise CommandError(f"{len(opened)} finding{'s' * (len(opened) != 1)} open.")


def moment(text: str) -> datetime:
    """Parse a point in time. '24h' is that long ago; a day or a time without a zone is UTC."""
    if span := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return timezone.now() - timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is not a time such as 24h, 3d, 2026-11-01 or 2026-11-01T14:00") from None
    if found > timezone.now():
        raise ArgumentTypeError(f"{text!r} is in the future; give a past time such as 24h, 3d or 2026-11-01")
    return found


def as_json(made: Comparison, opened: list[Finding]) -> str:
    printed = {
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
    return json.dumps(printed, indent=2, ensure_ascii=False, default=datetime.isoformat)


def as_table(made: Comparison, opened: list[Finding]) -> str:
    lines = [
        f"since            {made.since:%Y-%m-%d %H:%M} UTC",
        f"at the provider  {made.theirs} refunds",
        f"in AgentOps      {made.ours} refunds",
        f"findings         {made.opened} new, {made.closed} resolved, {len(opened)} open",
    ]
    rows = [
        (
            row.get_kind_display(),
            findings.our_side(row).amount,
            findings.their_side(row).amount,
            f"{row.happened_at:%Y-%m-%d %H:%M}",
            row.reference,
        )
        for row in opened
    ]
    if rows:
        lines += ["", *_columns([("finding", "ours", "theirs", "when (UTC)", "reference"), *rows])]
    return "\n".join(lines)


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
