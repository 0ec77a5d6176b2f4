"""The request as django-htmx's middleware hands it on: it knows what htmx asks for."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """Behind the login, so `user` is a person."""

    htmx: HtmxDetails
    user: User


def part_of(request: HtmxRequest) -> str:
    """The id of the element that htmx will put the answer into; empty for a whole page."""
    if not request.htmx or request.htmx.history_restore_request:
        return ""
    return (request.htmx.target or "").partition("#")[2]
