import getpass
import json
import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentops.lib.errors import Refused
from agentops.management import running_demo
from agentops.management.commands.reconcile import moment
from agentops.models import Replay, Run
from agentops.replays import queueing, running
from approvals.policy import versions

RESULTS = ("same", "different", "better", "worse")
BAR = 30


class Command(BaseCommand):
    help = (
        "Replay one run (RUN) or a sample (--since) without side effects. Exits with status 1 if a recorded replay "
        "differs from its recording or if a replay fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", nargs="?", type=int, metavar="RUN", help="number of the run")
        parser.add_argument(
            "--since", type=moment, metavar="T", help="start of the period: 14d, 24h or a date such as 2026-11-01"
        )
        parser.add_argument(
            "--sample", type=int, default=200, metavar="N", help="maximum number of runs (default: 200)"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
        parser.add_argument(
            "--mode",
            choices=Replay.Mode.values,
            help="what is live (default: recorded, or model if a model, policy or prompt is given)",
        )
        parser.add_argument("--llm-model", default="", metavar="X", help="model to use")
        parser.add_argument("--policy", type=int, metavar="N", help="policy version to use")
        parser.add_argument("--prompt", type=Path, metavar="FILE", help="file with the prompt to use")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["run"] is None) == (options["since"] is None):
            raise CommandError("Name one run (manage.py replay 17) or several (manage.py replay --since 14d).")
        running_demo.use_demo()
        variables = self._variables(options)
        runs = self._runs(options["run"], options["since"], options)
        replays = []
        for number, run in enumerate(runs, start=1):
            replays.append(self._replay(run, variables))
            if options["run"] is None:
                bar("replaying", number, len(runs))
        self.stdout.write(as_json(replays) if options["json"] else as_table(replays, one=options["run"] is not None))
        failed = [replay for replay in replays if replay.status == Replay.Status.FAILED]
        differ = [row for row in replays if row.mode == Replay.Mode.RECORDED and row.result not in ("", "same")]
        if failed or differ:
            raise CommandError(f"{len(differ)} differ from their recording, {len(failed)} failed to replay.")

    def _variables(self, options: dict[str, Any]) -> dict[str, Any]:
        prompt = ""
        if options["prompt"]:
            try:
                prompt = options["prompt"].read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"Can't read {options['prompt']}: {error}") from None
        live = bool(options["llm_model"] or options["policy"] or prompt)
        mode = options["mode"] or (Replay.Mode.MODEL.value if live else Replay.Mode.RECORDED.value)
        return {"mode": mode, "llm_model": options["llm_model"], "policy_version": options["policy"], "prompt": prompt}

    def _runs(self, number: int, since: datetime | None, options: dict[str, Any]) -> list[Run]:
        if since is not None:
            found = queueing.sample(since=since, size=max(options["sample"], 0), seed=options["seed"])
            if not found:
                raise CommandError(f"No run that started since {since:%Y-%m-%d %H:%M} UTC has finished.")
            return found
        run = Run.objects.filter(pk=number).first()
        if run is None:
            newest = Run.objects.order_by("-pk").values_list("pk", flat=True).first()
            raise CommandError(
                f"There is no run {number}. " + (f"The newest is {newest}." if newest else "None exist.")
            )
        return [run]

    def _replay(self, run: Run, variables: dict[str, Any]) -> Replay:
        """Replay the run in this process and wait for steps that are delayed by a busy model.

        A worker may take the replay first, with the same result.
        """
        try:
            replay = queueing.queue_replay(run=run, asked_by=f"manage.py ({getpass.getuser()})", **variables)
        except Refused as refused:
            raise CommandError(f"Run {run.pk}: {refused.message}") from None
        while replay.finished_at is None:
            running.advance_replay(replay.pk)
            replay.refresh_from_db()
            if replay.finished_at is None:
                time.sleep(0.2)
        return replay


def bar(what: str, done: int, of: int) -> None:
    """Print progress to stderr; stdout is for the result."""
    full = BAR * done // of
    end = "\n" if done == of else ""
    print(f"\r{what} [{'#' * full}{'.' * (BAR - full)}] {done}/{of}", end=end, file=sys.stderr, flush=True)


def as_json(replays: list[Replay]) -> str:
    fields = (
        "id",
        "run_id",
        "mode",
        "status",
        "llm_model",
        "policy_version_id",
        "outcome",
        "reason",
        "result",
        "findings",
        "error",
        "tokens",
        "cost_usd",
    )
    rows = [
        {name: getattr(row, name) for name in fields}
        | {"then": {"outcome": row.run.outcome, "tokens": row.run.tokens, "cost_usd": row.run.cost_usd}}
        for row in replays
    ]
    return json.dumps({"counts": counts(replays), "replays": rows}, indent=2, ensure_ascii=False, default=str)


def counts(replays: list[Replay]) -> dict[str, int]:
    found = {name: sum(row.result == name for row in replays) for name in RESULTS}
    return {**found, "failed": sum(row.status == Replay.Status.FAILED for row in replays)}


def as_table(replays: list[Replay], *, one: bool) -> str:
    done = [row for row in replays if row.status == Replay.Status.DONE]
    then, now = sum(row.run.cost_usd for row in done), sum(row.cost_usd for row in done)
    over = f" (over the {len(done)} of {len(replays)} that were replayed)" if len(done) < len(replays) else ""
    lines = []
    for row in replays:
        notes = [row.error] if row.error else [finding["what"] for finding in row.findings]
        if notes or one:
            lines.append(f"replay {row.pk} of run {row.run_id}: {row.result or row.status}")
            lines += [f"  {what}" for what in notes]
    by_policy = replays[0].policy_version_id or "as recorded"
    lines += [
        "",
        *(f"{name:<10} {count:>6}" for name, count in counts(replays).items() if count or name != "failed"),
        "",
        f"policy     {by_policy}{' (current)' if by_policy == versions.current_policy().pk else ''}",
        f"original   ${then:.4f}{over}",
        f"replay     {'$0 (recorded)' if replays[0].mode == Replay.Mode.RECORDED else f'${now:.4f}{over}'}",
    ]
    return "\n".join(lines).strip("\n")
