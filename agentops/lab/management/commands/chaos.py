import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agentops.lab.chaos import naive, race
from agentops.lab.chaos.figures import Figures
from agentops.lab.chaos.table import side_by_side
from agentops.lab.local.errors import LocalError
from agentops.lab.local.runtime import scratch_folder
from agentops.management import running_demo
from agentops.management.progress import Progress

KILL_SECONDS = (5.0, 10.0)


class Command(BaseCommand):
    help = "Run the same tickets with the same faults through a naive agent and through this system, side by side."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tickets", type=int, default=200, metavar="N", help="number of tickets (default: 200)")
        parser.add_argument(
            "--seed", type=int, default=1, metavar="S", help="seed of the shop, the faults and the kills"
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["tickets"] < 1:
            raise CommandError("--tickets must be 1 or more.")
        given = {"tickets": options["tickets"], "seed": options["seed"]}
        try:
            sides = run_both(**given)
        except LocalError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. All started processes have ended.") from None
        result = {name: figures.as_dict() for name, figures in sides.items()}
        keep(settings.DATA_DIR / "chaos.json", result, **given)
        self.stdout.write(json.dumps(result, indent=2) if options["json"] else side_by_side(result))
        print(f"The demo shows this as a chart: {running_demo.url()}/chaos/", file=sys.stderr)
        if broken := sides["ours"].broken:
            print(f"Promises broken: {broken}", file=sys.stderr)
            sys.exit(1)


def run_both(*, tickets: int, seed: int) -> dict[str, Figures]:
    """Run each side in its own world, one after the other. Raises LocalError."""
    progress = Progress()
    with scratch_folder("chaos") as folder:
        given: dict[str, Any] = {"tickets": tickets, "seed": seed, "every": KILL_SECONDS, "progress": progress}
        return {
            "naive": naive.run(folder / "naive", **given),
            "ours": race.run(folder / "ours", **given),
        }


def keep(file: Path, result: dict[str, Any], **given: int) -> None:
    """Save the result for the page /chaos/."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {"at": timezone.now().isoformat(timespec="seconds"), **given, "result": result}
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(kept, indent=2))
    unfinished.replace(file)
