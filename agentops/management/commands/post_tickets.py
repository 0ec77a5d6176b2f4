import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agentops.lib.errors import ProviderError
from agentops.management import intake, report, running_demo


class Command(BaseCommand):
    help = (
        "Post a JSON list of tickets through the signed intake API. Posting the same file again creates no duplicates."
    )
    requires_system_checks = []  # it only talks HTTP, so it also works where nothing else is configured

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON list of tickets (docs/contracts/intake.yaml)")
        parser.add_argument("--url", help="address of the application (default: PUBLIC_URL, otherwise the demo's)")
        parser.add_argument(
            "--wait",
            action="store_true",
            help="wait until each ticket is answered, awaits approval or is with a person",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
        parser.add_argument("--timeout", type=float, default=900.0, metavar="S", help="maximum wait in seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tickets = intake.read_tickets(self._text(options["file"]), source="file")
        except intake.BadTickets as error:
            raise CommandError(f"{options['file']}: no tickets were posted.\n{error}") from None
        api = self._api(options["url"])
        try:
            posted = [api.post(ticket) for ticket in tickets]
            following = intake.Following(api, posted)
            self._follow(following, seconds=options["timeout"] if options["wait"] else 0)
        except ProviderError as error:
            raise CommandError(f"{api.url} didn't accept a ticket ({error.code}). {error}") from None
        self._report(following, as_json=options["json"])
        moving = [ticket.posted.external_id for ticket in following.tickets if not ticket.rests]
        if options["wait"] and moving:
            raise CommandError(f"Still in progress after {options['timeout']:.0f} s: {', '.join(moving)}")

    def _text(self, file: str) -> str:
        try:
            return Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Can't read {file}: {error}") from None

    def _api(self, url: str | None) -> intake.Intake:
        """Use the command line, otherwise the settings, otherwise the last demo that ran here."""
        demo = running_demo.demo()
        secret = settings.INTAKE_SIGNING_SECRET or (demo and demo.intake_signing_secret)
        if not secret:
            raise CommandError("INTAKE_SIGNING_SECRET is not set and no demo has run here.")
        return intake.Intake(url or running_demo.url(), secret)

    def _follow(self, following: intake.Following, *, seconds: float) -> None:
        """Print a line on stderr for each ticket that comes to rest; stdout is for the result."""
        new = sum(ticket.posted.new for ticket in following.tickets)
        known = len(following.tickets) - new
        print(f"{new} ticket{'s' * (new != 1)} posted, {known} already posted before", file=sys.stderr)
        for ticket in following.until_rest(seconds=seconds) if seconds else following.news():
            print(report.line(ticket), file=sys.stderr, flush=True)

    def _report(self, following: intake.Following, *, as_json: bool) -> None:
        if as_json:
            summaries = [intake.summary(ticket) for ticket in following.tickets]
            self.stdout.write(json.dumps(summaries, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(report.table(following.tickets))
