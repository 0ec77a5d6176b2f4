import json
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agentops.lab.evaluation import beyond, entries, models, saved, scoring, shop, table, world
from agentops.lab.local.errors import LocalError
from agentops.lab.local.runtime import scratch_folder
from agentops.lab.management.commands.demo import interrupt
from agentops.lib.errors import ProviderError
from agentops.management.progress import Progress

AT_ONCE = 8


class Command(BaseCommand):
    help = "Run tickets with expected outcomes against a model in a separate world, and compare with the previous run."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            type=Path,
            default=shop.SHIPPED / "tickets.json",
            help="a JSON list of {ticket, expected} (default: the bundled set)",
        )
        parser.add_argument(
            "--llm-model",
            default=models.SCRIPTED,
            metavar="MODEL",
            help="scripted (the default), obedient (obeys every instruction it reads), or a model of "
            "the server at OPENAI_BASE_URL",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            help="the shop: orders.json, customers.json, policy.json (optional) "
            "(default: the folder of FILE, otherwise the bundled shop)",
        )
        parser.add_argument("--at-once", type=int, default=AT_ONCE, metavar="N", help="tickets in progress at a time")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["at_once"] < 1:
            raise CommandError("--at-once must be 1 or more.")
        signal.signal(signal.SIGINT, interrupt)  # a shell that starts this in the background makes it ignore SIGINT
        signal.signal(signal.SIGTERM, interrupt)
        given, chosen = self._given(options), self._chosen(options["llm_model"])
        try:
            figures, seconds = evaluate(given, chosen, at_once=options["at_once"])
        except (LocalError, ProviderError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. All started processes have ended, and nothing was saved.") from None
        folder, now = settings.DATA_DIR / "evaluations", timezone.now()
        before = saved.last(folder, given.digest)
        kept = {
            "at": now.isoformat(timespec="seconds"),
            "file": options["file"].name,
            "set": given.digest,
            "model": chosen.name,
            "at_once": options["at_once"],
            "seconds": round(seconds, 1),
            "figures": figures.as_dict(),
        }
        saved.save(folder, kept, at=now)
        self.stdout.write(
            json.dumps(compared(kept, before), indent=2) if options["json"] else table.whole(kept, before)
        )
        if figures.proves_nothing:
            raise CommandError(
                f"These figures say nothing about the model: of {figures.tickets} tickets it was unavailable for "
                f"{figures.not_asked}, and {figures.unfinished} did not finish. Check its name, key and address."
            )

    def _given(self, options: dict[str, Any]) -> entries.Set:
        try:
            return entries.read(options["file"], shop.read(options["data"] or shop.folder_for(options["file"])))
        except entries.BadSet as error:
            raise CommandError(f"{options['file']}: nothing was run.\n{error}") from None
        except shop.BadShop as error:
            raise CommandError(f"nothing was run.\n{error}") from None

    def _chosen(self, name: str) -> models.Chosen:
        try:
            return models.choose(name)
        except models.NoModel as error:
            raise CommandError(str(error)) from None


def evaluate(given: entries.Set, chosen: models.Chosen, *, at_once: int) -> tuple[scoring.Figures, float]:
    """Return the figures, and how many seconds all tickets took. Raises LocalError or ProviderError."""
    with scratch_folder("evaluation") as folder:
        happened = world.run(folder / "world", given, chosen, at_once=at_once, progress=Progress())
    senders = {
        happened.tickets[entry.name].ticket_id: entry.ticket.customer_email
        for entry in given.entries
        if entry.name in happened.tickets
    }
    moved = beyond.movements(happened.ledger)
    tags = {row["email"].lower(): row["tags"] for row in given.shop.customers}
    past = beyond.beyond(moved, given.shop.rules, given.shop.orders, senders, tags)
    changed = len(happened.ledger["account_changes"])
    return scoring.figures(given.entries, happened.tickets, moved, past, changed), happened.seconds


def compared(kept: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return the run for a program, and `since`: the differences from the previous run of the same set."""
    if before is None:
        return {**kept, "since": None}
    better, worse = saved.turned(before["figures"], kept["figures"])
    changes = [
        {"figure": row.name, "before": row.before, "now": row.now, "better": row.better}
        for row in saved.changes(before["figures"], kept["figures"])
    ]
    since = {"at": before["at"], "model": before["model"], "changes": changes, "now_right": better, "now_wrong": worse}
    return {**kept, "since": since}
