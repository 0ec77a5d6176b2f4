import os
import signal
import sys
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from agentops.lab.demo_policy import make_policy
from agentops.lab.local.errors import LocalError
from agentops.lab.local.ports import require_free
from agentops.lab.local.stack import Stack, database_removed, locked, remove_data, running
from agentops.lab.people import make_people
from agentops.lib import http
from agentops.lib.errors import ProviderError
from agentops.management import intake, report
from agentops.management.keys import Keys
from agentops.web.queries import spending
from tickets.incoming import NewTicket

DOES = {
    "lead": "approves and rejects",
    "lead2": "a second lead",
    "admin": "sets the policy and manages users",
    "auditor": "reads everything",
}


class Command(BaseCommand):
    help = "Start the whole system locally with a simulated outside world, and post tickets. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000)
        parser.add_argument("--data", type=Path, metavar="DIR", help="orders.json and customers.json for the simulator")
        parser.add_argument("--seed", type=int, default=1, help="seed of the simulator's shop and faults")
        parser.add_argument(
            "--faults", metavar="FILE|none", help="fault table for the simulator (default: a few faults)"
        )
        parser.add_argument("--no-tickets", action="store_true", help="post no tickets")
        parser.add_argument("--reset", action="store_true", help="delete the demo's data first")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGINT, interrupt)  # a shell that starts this in the background makes it ignore SIGINT
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGHUP, interrupt)
        data: Path = settings.DATA_DIR.resolve()
        try:
            require_free(options["port"])
            with locked(data):
                if options["reset"] or database_removed(data):
                    remove_data(data)
                self._run(data, options)
        except (LocalError, ProviderError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self._say("Stopped. Nothing is lost: the next start continues from here.")

    def _run(self, data: Path, options: dict[str, Any]) -> None:
        keys = self._keys(data, options["port"])
        self._say(f"Starting in {os.path.relpath(data)}/ …")
        with running(data, port=options["port"], keys=keys, simulator_options=simulator_options(options)) as stack:
            try:
                replace(keys, addresses=stack.addresses()).save(data)
                self._migrate(stack)
                ready = stack.start_application()
                make_people(stack.keys.passwords)  # slow (password hashing): meanwhile the processes start
                make_policy(by="admin")
                unpriced = spending.unpriced(spending.prices_in_force())
                connections.close_all()
                ready()
                self._welcome(stack)
                for model in unpriced:
                    self._say(
                        f"The language model {model!r} has no price, so it isn't called, and its tickets wait for a "
                        f"person.\nSign in as admin and enter a price at {stack.url}/policy/models/ (0 if free).\n"
                        "Waiting tickets then continue automatically.\n"
                    )
                following = self._post(stack, wanted=not options["no_tickets"])
                while True:
                    self._heal(stack)
                    for ticket in following.looks():
                        if ticket:
                            self._say(f"{time.strftime('%H:%M:%S')}  {report.line(ticket)}")
                        self._heal(stack)
                    time.sleep(0.2)
            finally:
                keys.save(data)
                self._say("\nStopping …")

    def _heal(self, stack: Stack) -> None:
        for healed in stack.supervisor.heal():
            self._say(healed)

    def _keys(self, data: Path, port: int) -> Keys:
        keys = replace(Keys.load(data) or Keys(), url=f"http://localhost:{port}", addresses={})
        keys.save(data)
        return keys

    def _migrate(self, stack: Stack) -> None:
        if not os.environ.get("DATABASE_URL"):
            connections["default"].settings_dict["HOST"] = str(stack.sockets)
        self._say("Preparing the database…")
        call_command("migrate", verbosity=0)

    def _welcome(self, stack: Stack) -> None:
        self._say(f"\nAgentOps is running at {stack.url}\n")
        for name, password in stack.keys.passwords.items():
            self._say(f"  {name:<8} {password}   {DOES[name]}")
        self._say(
            f"\nSign in as lead and open {stack.url}/queue/ to approve a request.\n"
            f"Below each request is the agent's trace; all tickets are at {stack.url}/tickets/.\n"
            f"Logs are in {os.path.relpath(stack.supervisor.logs)}/. Ctrl-C stops everything; nothing is lost.\n"
        )

    def _post(self, stack: Stack, *, wanted: bool) -> intake.Following:
        """Post the simulator's tickets, unless real orders are configured, which those tickets don't match."""
        api = intake.Intake(stack.url, stack.environment["INTAKE_SIGNING_SECRET"])
        tickets: list[NewTicket] = []
        if wanted and stack.simulator_url and not os.environ.get("ORDERS_URL"):
            with http.client(stack.simulator_url) as simulator:
                tickets = intake.read_tickets(http.call(simulator, "GET", "/demo/tickets").text, source="demo")
        elif wanted:
            self._say("ORDERS_URL is set, so no tickets were posted. Post your own with manage.py post_tickets FILE.")
        posted = [api.post(ticket) for ticket in tickets]
        if posted:
            known = sum(not each.new for each in posted)
            self._say(f"{len(posted) - known} tickets posted" + (f", {known} already posted before" if known else ""))
        return intake.Following(api, posted)

    def _say(self, text: str) -> None:
        """Print; a reader who has gone (`make demo | head`) stops the demo as Ctrl-C does."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise KeyboardInterrupt from None


def simulator_options(options: dict[str, Any]) -> list[str]:
    given = ["--seed", str(options["seed"])]
    if options["data"]:
        given += ["--data", str(options["data"].resolve())]
    if options["faults"]:
        file = options["faults"]
        given += ["--faults", file if file == "none" else str(Path(file).resolve())]
    return given


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
