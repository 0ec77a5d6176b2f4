"""How settings and manage.py treat the environment."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from agentops.lab.local.programs import ROOT

SHOW = "from django.conf import settings as s; print(s.DATABASES['default']['NAME'], s.REDIS_URL, s.DATA_DIR, sep='|')"


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "of-the-test"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_empty_variables_count_as_unset() -> None:
    shown = manage("shell", "--no-imports", "-c", SHOW, DATABASE_URL="", REDIS_URL="", DATA_DIR="")
    sockets = (ROOT / "var" / "run").resolve()
    assert shown.stdout.strip().split("|") == ["agentops", f"unix://{quote(str(sockets))}/valkey.sock", f"{ROOT}/var"]


def test_options_of_the_database_url_are_kept() -> None:
    show = "from django.conf import settings as s; print(s.DATABASES['default']['OPTIONS'])"
    url = "postgres://u:p@host/name?sslmode=require&options=-c%20work_mem%3D8MB"
    direct = manage("shell", "--no-imports", "-c", show, DATABASE_URL=url).stdout
    assert "'sslmode': 'require'" in direct
    assert "'options': '-c idle_in_transaction_session_timeout=60s -c work_mem=8MB'" in direct
    pooled = manage("shell", "--no-imports", "-c", show, DATABASE_URL=url, DATABASE_TRANSACTION_POOLER="1").stdout
    assert "'options': '-c work_mem=8MB'" in pooled


@pytest.mark.parametrize("command", ["check", "demo"])
@pytest.mark.parametrize(
    "url",
    ["sqlite:///hidden", "nonsense", "mysql://u:hidden@host/name", "postgres://u:hidden@host:port/name", "postgres://"],
)
def test_an_invalid_database_is_reported_in_one_line(tmp_path: Path, url: str, command: str) -> None:
    answer = manage(command, DATABASE_URL=url, DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert "DATABASE_URL must be postgres://" in line
    assert "hidden" not in line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOG_FORMAT", "xml", "it must be one of: json, console"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "it must be like http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "only http/protobuf is supported"),
        ("ACTION_LEASE_SECONDS", "120", "it must be from 1 to 60"),
        ("RUN_LEASE_SECONDS", "0", "it must be at least 1"),
        ("LLM_TIMEOUT_SECONDS", "-1", "it must be more than 0"),
        ("PROVIDER_TIMEOUT_SECONDS", "0", "it must be more than 0"),
        ("SWEEP_SECONDS", "0", "it must be more than 0"),
        ("RETRY_BASE_SECONDS", "-1", "it must be at least 0"),
        ("RETRY_HORIZON_SECONDS", "30", "it must be at least 70, which is 60 more than PROVIDER_TIMEOUT_SECONDS"),
        ("DATABASE_POOL", "9", "the sweep of a worker alone needs 10 connections"),
    ],
)
def test_an_invalid_value_is_reported_with_a_valid_example(name: str, value: str, said: str) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", name: value}
    answer = manage("check", **given)
    assert answer.returncode == 1
    assert said in answer.stderr


@pytest.mark.parametrize(
    "program",
    [
        ["-m", "celery", "--app", "agentops", "worker", "--pool", "threads"],
        ["-c", "import agentops.wsgi"],
    ],
    ids=["worker", "web"],
)
def test_a_program_with_contradictory_settings_does_not_start(program: list[str]) -> None:
    answer = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "of-the-test", "DATABASE_POOL": "2"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "DATABASE_POOL is 2; the sweep of a worker alone needs 10 connections." in answer.stderr
