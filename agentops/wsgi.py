import os
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
MOST_IN_CHUNKS = 1024 * 1024  # bytes of a body that does not say how long it is

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django ends a body where its Content-Length does. One that comes in chunks has none: it is read first, where the
    server says that its input ends, and then has one."""
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read(MOST_IN_CHUNKS + 1)
        if len(body) > MOST_IN_CHUNKS:
            start_response("413 Content Too Large", [("Content-Type", "text/plain"), ("Connection", "close")])
            return [b"The body is too large.\n"]
        environ = {**environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    return _django(environ, start_response)
