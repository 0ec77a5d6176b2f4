"""What a help desk delivers (docs/contracts/intake.yaml): the shapes, and how their text is read.

Nothing that a person wrote is refused for its form. What can't be stored is replaced; what is too long is cut and
marked.
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from agentops.lib import addresses, redact
from agentops.lib.moments import Moment
from tickets import html_text

MAX_SUBJECT = 300
MAX_BODY = 100_000  # characters
CUT = "\n\n[Cut here: the message has {length:,} characters.]"
BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")  # white space, control characters and line breaks of any kind
_UNPAIRED = re.compile("[\ud800-\udfff]")  # half an emoji: JSON can write it, UTF-8 can't

# Identifies a delivery, so it is stored unchanged and must not contain NUL, which PostgreSQL rejects.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]+$")]
HeaderId = Annotated[
    str, Field(max_length=998), AfterValidator(lambda text: BLANKS.sub(" ", redact.text(text)).strip())
]
Address = Annotated[str, Field(max_length=254), AfterValidator(addresses.parse)]


class Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Attachment(Incoming):
    """A file that the help desk keeps. `url` is shown to people; the server never fetches it."""

    name: str = Field(max_length=255)
    content_type: str = Field(max_length=100)
    size: int = Field(ge=0, lt=2**63)
    url: Annotated[AnyUrl, Field(strict=False)] | None = None

    def stored(self) -> dict[str, Any]:
        kept = {"name": one_line(self.name), "content_type": one_line(self.content_type), "size": self.size}
        return {**kept, "url": redact.storable(str(self.url))} if self.url else kept


class Words(Incoming):
    """What a ticket and a message have in common."""

    external_id: Identifier
    attachments: list[Attachment] = Field(default_factory=list, max_length=20)  # before the body, whose check reads it
    body: str
    body_format: Literal["text", "html"] = "text"
    received_at: Moment | None = None
    message_id: HeaderId = ""
    in_reply_to: HeaderId = ""
    auto_submitted: Literal["no", "auto-generated", "auto-replied"] = "no"

    @field_validator("body")
    @classmethod
    def says_something(cls, body: str, info: ValidationInfo) -> str:
        if not body.strip() and not info.data.get("attachments", True):
            raise ValueError("must not be empty unless there are attachments")
        return body

    def text(self) -> str:
        """Return the body as it is stored: plain text, without card numbers, at most MAX_BODY characters."""
        guessed = "body_format" not in self.model_fields_set and html_text.looks_like_html(self.body)
        is_html = self.body_format == "html" or guessed
        plain = html_text.to_text(self.body) if is_html else self.body.replace("\r\n", "\n")
        return _cut(redact.text(plain))


class NewTicket(Words):
    source: Annotated[Identifier, Field(max_length=40)]
    customer_email: Address
    customer_name: str = Field(default="", max_length=200)
    subject: str = Field(max_length=1000)
    tags: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=20)


class NewMessage(Words):
    ticket_id: str = Field(max_length=120)


def parse[Shape: BaseModel](shape: type[Shape], raw: str | bytes) -> Shape:
    """Read a delivery. Raises pydantic.ValidationError, and ValueError for what is not JSON or names a field twice."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return shape.model_validate_json(_UNPAIRED.sub(r"\\u0000", json.dumps(data, ensure_ascii=False)).encode())


def one_line(text: str, length: int = 0) -> str:
    """Redact the text and put it on one line, because it is used as an email subject and in lists. With a `length`,
    cut it and mark the cut."""
    line = BLANKS.sub(" ", redact.text(text)).strip()
    return line if not length or len(line) <= length else line[: length - 1].rstrip() + "…"


def _cut(text: str) -> str:
    if len(text) <= MAX_BODY:
        return text
    mark = CUT.format(length=len(text))
    return text[: MAX_BODY - len(mark)] + mark


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a field twice: its readers would disagree about which one counts."""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:60]!r} occurs twice")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
