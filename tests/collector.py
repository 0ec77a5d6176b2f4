"""An OTLP collector for the tests: HTTP and protobuf, like any other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass(frozen=True)
class Received:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]
    links: list[str]
    service: str
    schema: str


@dataclass
class Collector:
    """What was accepted, in order. `status` is the answer, unless `judge` returns another one."""

    url: str = ""
    status: int = 200
    asked: int = 0
    spans: list[Received] = field(default_factory=list)
    judge: Callable[[list[Received]], int] | None = None

    def of(self, trace_id: str) -> dict[str, Received]:
        """Return the spans of a trace by id. Of a span received twice, the newer one counts."""
        return {span.span_id: span for span in list(self.spans) if span.trace_id == trace_id}


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked += 1
            known = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            arrived = list(_read(body)) if known else []
            status = 404 if not known else collector.judge(arrived) if collector.judge else collector.status
            if status == 200:
                collector.spans.extend(arrived)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _read(body: bytes) -> Iterator[Received]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = next(
            each.value.string_value for each in of_resource.resource.attributes if each.key == "service.name"
        )
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Received(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    attributes={each.key: _value(each.value) for each in span.attributes},
                    links=[link.trace_id.hex() for link in span.links],
                    service=service,
                    schema=of_scope.schema_url,
                )


def _value(value: AnyValue) -> Any:
    name = value.WhichOneof("value")
    if name == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, name) if name else None
