"""An HTTP transport that bounds the total time and size of an answer.

The client's own timeouts bound each read separately, so a server that sends one byte at a time never hits them. Every
request passes through here, so this is also where trace context is added, the database connection is given back, and
leases are renewed (calls.py).
"""

import threading
import time
from collections.abc import Iterable, Iterator
from ssl import SSLContext
from typing import Any, cast

import httpcore2
import httpx2

from agentops.lib import calls, outbound, tracing

MAX_ANSWER_BYTES = 2_000_000


class _Local(threading.local):
    """The deadline of this thread's request, in seconds of the monotonic clock."""

    until = 0.0


_local = _Local()


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """Return the seconds left for this thread's request, at most `timeout`. Raises `late` if none are left."""
    left = _local.until - time.monotonic()
    if left <= 0:
        raise late("the time limit for the whole request is used up")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore2.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, call: calls.OpenCall) -> None:
        self._stream = stream
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        _local.until = self._call.until
        for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.DecodingError(f"it is longer than {MAX_ANSWER_BYTES:,} bytes")
            yield chunk
            # The caller may have sent another request on this thread while it held the chunk.
            _local.until = self._call.until

    def close(self) -> None:
        self._call.end()
        self._stream.close()


class DeadlineTransport(httpx2.HTTPTransport):
    """Bounds each request to `seconds` and its answer to MAX_ANSWER_BYTES.

    Raises httpx2's timeout of the phase in which time ran out, and DecodingError for an answer that is too long or
    compressed, because its size would be unknown.
    """

    def __init__(self, seconds: float, *, connections: int = 100, trust_env: bool = False) -> None:
        super().__init__(trust_env=trust_env)
        self._seconds = seconds
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=trust_env),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # Compressed bytes could unpack to any size, which MAX_ANSWER_BYTES is there to prevent.
        request.headers["Accept-Encoding"] = "identity"
        request.headers.update(tracing.headers())
        with outbound.passing(request.method, str(request.url)):
            call = calls.begin(time.monotonic() + self._seconds)
            _local.until = call.until
            try:
                response = super().handle_request(request)
            except BaseException:
                call.end()
                raise
        response.stream = _Body(cast("httpx2.SyncByteStream", response.stream), call)
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            response.close()
            raise httpx2.DecodingError("it is compressed, although an uncompressed one was requested")
        return response
