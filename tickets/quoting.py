"""Find the quoted history in an email: what the message repeats from earlier ones, below or between its new words.

Line by line and in linear time, because the text is a stranger's. Libraries for this were tried and are slower than
linear on hostile text (docs/decisions/0014-intake.md). Pure: no Django, no HTTP.
"""

import re
from collections.abc import Sequence

Span = tuple[int, int]  # from, to: characters of the text

_LONGEST_HEADER = 300  # characters of "On ... wrote:", which mail programs wrap over at most three lines
_WROTE = re.compile(
    r"\b(wrote|schrieb|a écrit|escribió|ha scritto|scrisse|schreef|escreveu|napisał|skrev|napsal|kirjoitti|пишет|писал"
    r"|написал|написав|yazdı)\b|写道|寫道|のメッセージ",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"-{2,}\s*(original message|original appointment|ursprüngliche nachricht|originalnachricht|message d.origine"
    r"|message original|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original"
    r"|oryginalna wiadomość|wiadomość oryginalna|originalmeddelande|oprindelig meddelelse|alkuperäinen viesti"
    r"|původní zpráva|forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado"
    r"|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada"
    r"|исходное сообщение|原始邮件|原始郵件|元のメッセージ)"
    r"\s*-{2,}|(begin forwarded message|anfang der weitergeleiteten nachricht|début du message réexpédié"
    r"|inicio del mensaje reenviado|inizio messaggio inoltrato)\s*[:：]"
    r"|##-.{3,100}-##",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"(from|von|de|da|van|od|från|fra|lähettäjä|от|发件人|寄件者|差出人|보낸 사람)\s?[:：]\s*\S",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|enviado el|fecha|para|asunto|inviato"
    r"|data|a|oggetto|verzonden|aan|onderwerp|assunto|wysłano|do|temat|skickat|till|ämne|sendt|til|emne|lähetetty"
    r"|odesláno|komu|předmět|отправлено|дата|кому|тема|发送时间|收件人|主题|送信日時|日時|宛先|件名)\s?[:：]",
    re.IGNORECASE,
)


def quoted_spans(text: str) -> list[Span]:
    """Return the spans of quoted history, in order. Empty if nothing else is left: then the quote is the message."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spans = [(starts[first], starts[after]) for first, after in _quoted(lines)]
    left, at = [], 0
    for start, end in spans:
        left.append(text[at:start])
        at = end
    left.append(text[at:])
    return spans if any(part.strip() for part in left) else []


def new_words(text: str, spans: Sequence[Span]) -> str:
    """Return the text without its quoted history."""
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]]).strip()


def _quoted(lines: Sequence[str]) -> list[Span]:
    """Return the quoted blocks as (first line, line after the last)."""
    found: list[Span] = []
    at = 0
    while at < len(lines):
        if _starts_history(lines, at):
            return [*found, (at, len(lines))]
        begin = at + (_header_lines(lines, at) or 0)
        quote = _next_with_text(lines, begin) if begin > at else at
        if quote < len(lines) and _is_quoted(lines[quote]):
            end = _end_of_quote(lines, quote)
            found.append((at, end))
            at = end
        elif begin > at and any("@" in line for line in lines[at:begin]):  # the history follows without marks
            return [*found, (at, len(lines))]
        else:
            at += 1
    return found


def _starts_history(lines: Sequence[str], at: int) -> bool:
    """Return whether everything from this line on is history: below a separator, or a block From, Sent, To, Subject."""
    line = _bare(lines[at])
    if _SEPARATOR.fullmatch(line):
        return True
    if not line and "___" in lines[at] and at + 1 < len(lines):  # Outlook's rule above the block
        at += 1
        line = _bare(lines[at])
    if not _FROM.match(line):
        return False
    following = [_bare(each) for each in lines[at + 1 : at + 6]]
    return sum(bool(_FIELD.match(each)) for each in following) >= 2


def _header_lines(lines: Sequence[str], at: int) -> int | None:
    """Return how many lines from here are "On <date>, <sender> wrote:", or None."""
    joined = ""
    for count, line in enumerate(lines[at : at + 3], start=1):
        joined = f"{joined} {line.strip()}".strip()
        if not line.strip() or len(joined) > _LONGEST_HEADER or _is_quoted(line):
            return None
        if joined.endswith((":", "：")):
            dated = any(character.isdigit() for character in joined)
            return count if dated and (_WROTE.search(joined) or "<" in joined) else None
    return None


def _end_of_quote(lines: Sequence[str], at: int) -> int:
    """Return the line after a block of lines that begin with ">". Blank lines within the block belong to it."""
    end = at
    while at < len(lines):
        if _is_quoted(lines[at]):
            end = at + 1
        elif lines[at].strip():
            break
        at += 1
    return end


def _next_with_text(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


def _bare(line: str) -> str:
    return line[:400].strip().strip("*_ ").replace("*", "")
