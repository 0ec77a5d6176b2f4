"""The reference of management commands: what their own argument parsers say."""

import argparse
import os
from pathlib import Path

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

HEAD = """# Commands

Every command also takes Django's common options, such as `--help`, `--verbosity` and `--settings`. This page is
generated from the commands' own parsers.
"""
OURS = ("agentops", "agentops.lab", "approvals", "tickets")


def render(_root: Path) -> str:
    found = sorted((name, app) for name, app in get_commands().items() if app in OURS)
    return HEAD + "".join(section(name, load_command_class(str(app), name)) for name, app in found)


def section(name: str, command: BaseCommand) -> str:
    os.environ["COLUMNS"] = "78"  # argparse wraps the usage line at the terminal's width
    parser = command.create_parser("manage.py", name)
    common = {option for action in common_parser()._actions for option in action.option_strings}
    own = [action for action in parser._actions if not common.intersection(action.option_strings)]
    usage = argparse.ArgumentParser(prog=f"manage.py {name}", add_help=False)
    for action in own:
        usage._add_action(action)
    shown = usage.format_usage().removeprefix("usage: ")
    rows = "".join(f"| `{label(action)}` | {meaning(action)} |\n" for action in own)
    table = f"\n| argument | meaning |\n|---|---|\n{rows}" if rows else ""
    return f"\n## {name}\n\n{command.help.strip()}\n\n```text\n{shown}```\n{table}"


def common_parser() -> argparse.ArgumentParser:
    """Return the parser of a command that adds nothing, which knows Django's common options."""
    command = BaseCommand()
    command.requires_system_checks = ["all"]
    return command.create_parser("manage.py", "any")


def label(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or (action.choices and "|".join(action.choices)) or "")
    if not action.option_strings:
        return value or action.dest
    name = action.option_strings[-1]
    return name if action.nargs == 0 else f"{name} {value or action.dest.upper()}"


def meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("|", "&#124;")
    text = text % {"default": action.default} if "%(default)" in text else text
    known = action.default not in (None, False, "", argparse.SUPPRESS)
    if known and action.nargs != 0 and "default" not in text:
        text += f" (default: {action.default})"
    return text.strip()
