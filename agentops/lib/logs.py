"""Log lines that carry their run, action and trace: one JSON object per line, or a console format for people.

Lines of the standard library's loggers look the same. Secrets and card numbers are removed from all of them.
"""

import logging
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from agentops.lib import redact

FORMATS = ("json", "console")
SHORTEST_SECRET = 8  # a shorter value would be replaced within ordinary words
_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def config(*, level: str, form: str, secrets: Sequence[str]) -> dict[str, Any]:
    """Return Django's LOGGING setting.

    `secrets` are values that no line may contain, such as keys; those shorter than SHORTEST_SECRET are ignored.
    """
    line = {"()": "agentops.lib.logs.formatter", "form": form, "secrets": list(secrets)}
    # These log every request at INFO; OpenTelemetry logs every failed export, which we log once per outage.
    quiet = {"httpx2": "WARNING", "openai": "WARNING", "stripe": "WARNING", "opentelemetry": "CRITICAL"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "filters": {"one_line": {"()": "agentops.lib.logs.OneLine"}},
        "loggers": {name: {"level": least} for name, least in quiet.items()}
        | {"django.request": {"filters": ["one_line"]}},
    }


def formatter(form: str, secrets: Sequence[str]) -> logging.Formatter:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_COMMON,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redactor(secrets),
            _renderer(form),
        ],
    )


class OneLine(logging.Filter):
    """Drop the traceback of requests that a visitor may not make or that match no page: they are not our errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            record.exc_info = None
        return True


class Redactor:
    """Redact the message, its fields and the traceback. Must be the last processor before the renderer."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        # The longest first: a secret that contains another one must not be left in part.
        self._secrets = sorted({text for text in secrets if len(text) >= SHORTEST_SECRET}, key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, bool | int | float | None):
            return value
        if isinstance(value, dict):
            return {self._clean(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return [self._clean(item) for item in value]
        text = redact.text(value if isinstance(value, str) else str(value))
        for secret in self._secrets:
            text = text.replace(secret, "[secret removed]")
        return text


def _renderer(form: str) -> Processor:
    if form == "console":
        return structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(ensure_ascii=False)
