from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentops.management.progress import Progress
from approvals.audit import seals
from approvals.models import AuditSeal


class Command(BaseCommand):
    help = "Verify the whole audit log against its chain of seals. Exits with status 1 if the verification fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--digest", metavar="HEX", help="digest of a seal that you kept elsewhere; the chain must contain it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress()
        newest = seals.newest_seal()
        whole = newest.through_event if newest else 0
        found = seals.verify_chain(lambda events: progress.show("audit", events, whole, "events"))
        progress.show("audit", found.events, found.events, "events", last=True)
        if found.broken:
            span = f"{found.after + 1} to {found.broken.through_event}"
            raise CommandError(
                f"Verification failed: events {span} differ from those sealed on {found.broken.sealed_at}."
            )
        # A chain that was rewritten as a whole is consistent, but it lacks a digest that was noted elsewhere before.
        if (kept := options["digest"]) and not AuditSeal.objects.filter(digest=kept).exists():
            raise CommandError(f"Verification failed: no seal in this chain has the digest {kept}.")
        self.stdout.write(f"Verified: {found.events} events, {found.seals} seals, no changes.")
        if newest:
            self.stdout.write(f"Newest seal: {newest.digest} up to event {newest.through_event}")
