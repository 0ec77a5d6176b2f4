import os
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
MOST_IN_CHUNKS = 1024 * 1024  # bytes of a chunked body; it is read into memory, so it needs a limit

_django = get_wsgi_application()
BaseCommand().check()  # a server with contradictory settings does not start


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request. Give a chunked body a Content-Length first, without which Django would see an empty body.

    That works only if the server marks the end of its input.
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read(MOST_IN_CHUNKS + 1)
        if len(body) > MOST_IN_CHUNKS:
            start_response("413 Content Too Large", [("Content-Type", "text/plain"), ("Connection", "close")])
            return [b"The body is too large.\n"]
        environ = {**environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    return _django(environ, start_response)
