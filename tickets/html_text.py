"""Turn the HTML of an email into the text that a person would read, with hidden parts marked.

Parts that a mail program would not show are kept and marked, because they may be instructions that only a model reads.
Pure: no Django, no HTTP. Parsed by lxml, whose time is linear on hostile input.
"""

import re
from dataclasses import dataclass, field

from lxml import etree

HIDDEN = ("[hidden in the message: ", "]")
UNREADABLE = "[This message's HTML could not be read. Hidden parts are not marked.]\n\n"
MAX_TAGS = 40_000  # beyond it the message is no email, and reading it would hold up others
_LOOKS_LIKE_HTML = re.compile(
    r"\s*<(!doctype\s+html|html|head|body|div|p|table|span|br|meta|style|font|center|h[1-6])\b[^<>]*>", re.IGNORECASE
)
_LEFT_OUT = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "select"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figcaption"}
    | {"figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p"}
    | {"pre", "section", "table", "tr", "ul"}
)
_PARAGRAPHS = frozenset({"p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "table"})
_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|opacity:0?\.?0*(?![\d.])|font-size:0*\.?0*(px|pt|em|rem|%)?(?![\d.])"
    r"|max-height:0(?![\d.])|text-indent:-\d{3,}"
    r"|(?<![\w-])color:(transparent|white|#fff(fff)?(?![0-9a-f])|rgb\(255,255,255\))"
)
_DARK = re.compile(r"background")  # white words on a background of their own can be read
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]{0,2000})\}")
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u200b\u200c\ufeff]+")


def looks_like_html(text: str) -> bool:
    """Return whether the text starts with a tag that emails start with, and closes one."""
    return bool(_LOOKS_LIKE_HTML.match(text)) and ("</" in text or "/>" in text or "<br" in text.lower())


def to_text(html: str) -> str:
    """Return the text of an HTML message. Quotes (`<blockquote>`) get "> " in front of each line."""
    if html.count("<") > MAX_TAGS:
        return _without_tags(html)
    parser = etree.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    # A wrapper, so that text outside <html> and a document without any tag have a parent too.
    root = etree.fromstring(f"<html><body>{html.replace('\x00', '\ufffd')}</body></html>", parser)
    if root is None or any("depth" in error.message.lower() for error in parser.error_log):
        return _without_tags(html)
    writer = _Writer(_hiding_selectors(root))
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            writer.start(element)
        else:
            writer.end(element)
    return writer.text()


def _without_tags(html: str) -> str:
    return UNREADABLE + _SPACE.sub(" ", _TAG.sub(" ", html)).strip()


@dataclass
class _Writer:
    """Collects the text while the tree is walked. `skipping` and `hidden` are the elements that began it. `line` has
    the pieces of the current line; `filled` and `spaced` say whether it has text yet, and ends with a space."""

    hiding: frozenset[str]
    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    filled: bool = False
    spaced: bool = True
    quotes: int = 0
    pre: int = 0
    skipping: object = None
    hidden: object = None

    def start(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if self.skipping is not None:
            return
        if tag in _LEFT_OUT:
            self.skipping = element
            return
        if tag == "blockquote":
            self.break_line()
            self.quotes += 1
            self.line = [self.margin()]
        elif tag in _BLOCKS:
            self.break_line()
        if tag == "li":
            self.add("- ")
        elif tag == "br":
            self.new_line()
        elif tag in ("td", "th") and self.filled:
            self.add(" ")
        elif tag == "img":
            self.add(_image(element))
        if self.hidden is None and self.is_hidden(element):
            self.hidden = element
            self.add(HIDDEN[0])
        self.pre += tag == "pre"
        self.add(element.text)

    def end(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if self.skipping is element:
            self.skipping = None
        elif self.skipping is None:
            self.pre -= tag == "pre"
            if tag == "a":
                self.add(_target(element))
            if self.hidden is element:
                self.hidden = None
                self.add(HIDDEN[1])
            if tag in _BLOCKS:
                self.break_line()
            if tag == "blockquote":
                self.quotes -= 1
                self.line = [self.margin()]
            if tag in _PARAGRAPHS:
                self.blank_line()
        if self.skipping is None and tag not in ("html", "body"):
            self.add(element.tail)

    def add(self, text: str | None) -> None:
        if not text:
            return
        if self.pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self.put(first)
            for line in rest:
                self.new_line()
                self.put(line)
            return
        text = _SPACE.sub(" ", text)
        self.put(text.lstrip(" ") if self.spaced else text)

    def put(self, text: str) -> None:
        if text:
            self.line.append(text)
            self.filled = self.filled or bool(text.strip())
            self.spaced = text.endswith(" ")

    def margin(self) -> str:
        return "> " * min(self.quotes, 20)

    def new_line(self) -> None:
        self.lines.append("".join(self.line).rstrip())
        self.line, self.filled, self.spaced = [self.margin()], False, True

    def break_line(self) -> None:
        if self.filled:
            self.new_line()

    def blank_line(self) -> None:
        self.break_line()
        if self.lines and self.lines[-1].strip("> "):
            self.new_line()

    def is_hidden(self, element: etree._Element) -> bool:
        if element.get("hidden") is not None or _hides(element.get("style") or ""):
            return True
        if not self.hiding:
            return False
        own = {
            str(element.tag),
            f"#{element.get('id')}",
            *(f".{name}" for name in (element.get("class") or "").split()),
        }
        return not self.hiding.isdisjoint(own)

    def text(self) -> str:
        self.new_line()
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines))
        return text.replace(f"{HIDDEN[0]}{HIDDEN[1]}", "").strip("\n ")


def _hiding_selectors(root: etree._Element) -> frozenset[str]:
    """Return the classes (.name), ids (#name) and tags that the message's own style sheets hide."""
    sheets = "\n".join(str(element.text or "") for element in root.iter("style"))
    sheets = re.sub(r"/\*.*?\*/", "", sheets[:200_000], flags=re.DOTALL) if sheets.count("/*") < 1_000 else ""
    selectors = (each.strip() for rule in _RULE.finditer(sheets) if _hides(rule[2]) for each in rule[1].split(","))
    return frozenset(each for each in selectors if re.fullmatch(r"[a-z][a-z0-9]*|[.#][\w-]+", each))


def _hides(style: str) -> bool:
    style = re.sub(r"\s+|!important", "", style.lower())
    found = _HIDDEN_STYLE.search(style)
    return found is not None and not ("color:" in found[0] and _DARK.search(style))


def _image(element: etree._Element) -> str:
    """Return a mark for an image. One pixel is for counting readers, not for reading."""
    if {element.get("width"), element.get("height")} & {"0", "1"}:
        return ""
    alt = _SPACE.sub(" ", element.get("alt") or "").strip()
    return f"[image: {alt}]" if alt else "[image]"


def _target(element: etree._Element) -> str:
    """Return where a link leads, unless its text says it already."""
    target = (element.get("href") or "").strip()
    shown = "".join(str(text) for text in element.itertext())
    plain = target.removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not target.lower().startswith(("http://", "https://", "mailto:")) or not plain or plain in shown:
        return ""
    return f" ({target})"
