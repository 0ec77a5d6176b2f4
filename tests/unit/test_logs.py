"""Log lines: one JSON object each, with their context and without secrets."""

import json
import logging
import subprocess
import sys
from io import StringIO

import pytest
import structlog

from agentops.lab.local.programs import ROOT
from agentops.lib import logs, tracing

CARD = "4242 4242 4242 4242"
SECRET = "a-token-of-no-known-shape"


class Lines(StringIO):
    def all(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines: Lines) -> logging.Logger:
    return logger_to(lines, "json")


def logger_to(stream: StringIO, form: str) -> logging.Logger:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(form, [SECRET, "short"]))
    logger = logging.getLogger(f"test-{form}")
    logger.handlers, logger.propagate, logger.level = [handler], False, logging.INFO
    return logger


def test_standard_library_logs_carry_run_action_and_trace(log: logging.Logger, lines: Lines) -> None:
    with tracing.at(ticket_id="T1", run_id=7, span="run", action="T1:refund:1"):
        log.info("run %s waits", 7)
    log.info("after it")
    inside, after = lines.all()
    trace = tracing.trace_id("T1", 7)
    assert inside["event"] == "run 7 waits"
    assert (inside["run"], inside["ticket"], inside["action"], inside["trace_id"]) == (7, "T1", "T1:refund:1", trace)
    assert inside["span_id"] == tracing.span_id(trace, "run")
    assert (inside["level"], inside["logger"]) == ("info", "test-json")
    assert not {"run", "trace_id", "span_id"} & set(after)


def test_structlog_and_the_standard_library_log_alike(log: logging.Logger, lines: Lines) -> None:
    structlog.stdlib.get_logger("test-json").info("request", status=201)
    log.info("request", extra={"status": 201})
    ours, theirs = lines.all()
    assert {**ours, "timestamp": ""} == {**theirs, "timestamp": ""}


@pytest.mark.parametrize("form", logs.FORMATS)
def test_no_line_contains_a_card_number_or_a_secret(lines: Lines, form: str) -> None:
    log = logger_to(lines, form)
    log.warning("paid with %s", CARD)
    log.warning("asked with Bearer %s", "abcdefghijklmnop")
    log.warning("asked with %s", json.dumps({"headers": [SECRET]}), extra={"body": {"card": CARD, SECRET: (SECRET,)}})
    try:
        raise ValueError(f"refused {CARD} and {SECRET} for sk_live_abcdefghijklmnop")
    except ValueError:
        log.exception("it broke")
    said = lines.getvalue()
    for hidden in (CARD, SECRET, "abcdefghijklmnop"):
        assert hidden not in said
    assert said.count("[card number removed") == 3
    assert "ValueError" in said, "the traceback is missing"


def test_values_that_json_cannot_encode_are_logged_anyway(log: logging.Logger, lines: Lines) -> None:
    log.info("odd", extra={"value": {1: object(), "set": {2}}, "text": "\ud800"})
    assert lines.all()[0]["event"] == "odd"


def test_without_a_trace_no_trace_ids_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert tracing.headers() == {}
    with tracing.at(ticket_id="T1", run_id=None, span="attempt-1-1"):
        assert tracing.headers() == {}
    with tracing.at(ticket_id="T1", run_id=7, span="run"):
        trace = tracing.trace_id("T1", 7)
        assert tracing.headers() == {"traceparent": f"00-{trace}-{tracing.span_id(trace, 'run')}-01"}
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        assert tracing.headers() == {}
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with tracing.at(ticket_id="T1", run_id=7, span="run"):
        assert tracing.headers() == {}


@pytest.mark.parametrize("program", ["agentops.wsgi", "agentops.celery"])
def test_without_an_endpoint_opentelemetry_exporters_are_not_loaded(program: str) -> None:
    """If OpenTelemetry is installed, the Redis client loads parts of it for its own metrics."""
    loaded = "[m for m in sys.modules if m.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter'))]"
    said = f"import {program}, sys, threading, django; django.setup(); print({loaded}, threading.active_count())"
    shown = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "[] 1\n"


def test_refusals_log_one_line_and_errors_keep_their_traceback(log: logging.Logger, lines: Lines) -> None:
    log.addFilter(logs.OneLine())
    try:
        raise PermissionError("no")
    except PermissionError as error:
        log.warning("Forbidden", exc_info=error)
        log.error("Broken", exc_info=error)
    forbidden, broken = lines.all()
    assert "exception" not in forbidden
    assert "Traceback" in str(broken["exception"])
    log.filters.clear()


def test_django_logs_a_refused_request_in_one_line() -> None:
    assert logs.config(level="INFO", form="json", secrets=[])["loggers"]["django.request"] == {"filters": ["one_line"]}
