import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentops.lab.chaos import longrun
from agentops.lab.local.errors import LocalError
from agentops.lab.local.runtime import scratch_folder
from agentops.management.progress import Progress

MOST_MINUTES = 100_000  # more than two months


class Command(BaseCommand):
    help = "Run the full stack under load while workers, PostgreSQL, Valkey and connections are killed at random."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--minutes", type=float, default=10.0, metavar="N", help="minutes of kills, before the system settles"
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="S", help="seed of the shop, the faults and the kills"
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["minutes"] < MOST_MINUTES:
            raise CommandError(f"--minutes must be above 0 and below {MOST_MINUTES:,}.")
        with scratch_folder("soak") as folder:
            try:
                soaked = longrun.run(
                    folder / "ours", minutes=options["minutes"], seed=options["seed"], progress=Progress()
                )
            except LocalError as error:
                raise CommandError(str(error)) from None
            except KeyboardInterrupt:
                raise CommandError("Stopped. All started processes have ended.") from None
        figures = soaked.as_dict()
        lines = [f"{name:<24}{figure}" for name, figure in figures.items()]
        self.stdout.write(json.dumps(figures, indent=2) if options["json"] else "\n".join(lines))
        if why := soaked.proves_nothing:
            print(f"This soak proves nothing: {why}.", file=sys.stderr)
        if broken := soaked.figures.broken:
            print(f"Promises broken: {broken}", file=sys.stderr)
        if why or broken:
            sys.exit(1)
