"""The text of a page, independent of its template's layout."""

import re

from django.http import HttpResponse

from approvals.decisions import decide
from approvals.models import ApprovalRequest
from approvals.web.queries.card import view_digest

# White space around these tags is never visible.
BLOCK = (
    "article|aside|blockquote|body|button|caption|dd|details|dialog|div|dl|dt|fieldset|footer|form|h[1-6]|head|header|html|"
    "legend|li|link|main|nav|ol|option|p|pre|script|section|select|summary|svg|table|tbody|td|th|thead|title|tr|ul"
)


def markup(response: HttpResponse) -> str:
    """Return the page's HTML in one line, without white space that a browser would not show, apostrophes as such."""
    html = re.sub(r"\s+", " ", response.content.decode()).replace("&#x27;", "'")
    html = html.replace(" >", ">")
    return re.sub(rf" ?(</?(?:{BLOCK})\b[^>]*>) ?", r"\1", html)


def card_fields(request: ApprovalRequest, **more: str) -> dict[str, str]:
    """Return what the request's card submits with a decision, as the card is now."""
    shown = ApprovalRequest.objects.select_related("action").get(pk=request.pk)
    seen = decide.seen_now(shown)
    hidden = {"digest": seen.digest, "through_message": str(seen.through_message), "seen": view_digest(shown)}
    return {**hidden, **more}
