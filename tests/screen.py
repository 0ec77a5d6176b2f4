"""The text of a page, independent of its template's layout."""

import re

from django.http import HttpResponse

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
