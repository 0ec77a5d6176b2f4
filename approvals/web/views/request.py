"""The request type of the views, with the attributes that middleware adds."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request with django-htmx's details. Views behind the login only see signed-in users."""

    htmx: HtmxDetails
    user: User


def part_of(request: HtmxRequest) -> str:
    """Return the id of the element that htmx will replace, or '' if a whole page is needed."""
    if not request.htmx or request.htmx.history_restore_request:
        return ""
    return (request.htmx.target or "").partition("#")[2]
