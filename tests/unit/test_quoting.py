"""Quoted history in emails is told from new words, whatever mail program wrote it, in linear time."""

import time

import pytest

from tickets.quoting import new_words, quoted_spans

OLD = "On Mon, 30 Nov 2026 at 10:12, Shop <help@shop.example> wrote:"


@pytest.mark.parametrize(
    ("text", "new"),
    [
        pytest.param(
            (
                "Yes please refund it.\n"
                "\n"
                "On Mon, 30 Nov 2026 at 10:12, Shop Support <help@shop.example>\n"
                "wrote:\n"
                "\n"
                "> Do you want a refund?\n"
                "> Bye\n"
            ),
            "Yes please refund it.",
            id="gmail",
        ),
        pytest.param(
            (
                "No, stop.\n"
                "\n"
                "________________________________\n"
                "From: Shop <help@shop.example>\n"
                "Sent: Monday, November 30, 2026 10:12 AM\n"
                "To: Kim <kim@example.com>\n"
                "Subject: RE: laptop\n"
                "\n"
                "We will refund it.\n"
            ),
            "No, stop.",
            id="outlook",
        ),
        pytest.param(
            (
                "Ja bitte.\n"
                "\n"
                "Von: Shop <help@shop.example>\n"
                "Gesendet: Montag, 30. November 2026 10:12\n"
                "An: Kim\n"
                "Betreff: AW: Lampe\n"
                "\n"
                "Möchten Sie Geld zurück?"
            ),
            "Ja bitte.",
            id="german outlook",
        ),
        pytest.param(
            (
                "Please cancel\n"
                "\n"
                "Sent from my iPhone\n"
                "\n"
                "> On 30 Nov 2026, at 10:12, Shop <help@shop.example> wrote:\n"
                "> \n"
                "> Do you want to cancel?\n"
            ),
            "Please cancel\n\nSent from my iPhone",
            id="apple",
        ),
        pytest.param(
            "Sí\n\nEl lun, 30 nov 2026 a las 10:12, Shop (<help@shop.example>) escribió:\n\nhola, quiere?",
            "Sí",
            id="spanish",
        ),
        pytest.param(
            "Oui\n\nLe lun. 30 nov. 2026 à 10:12, Shop <help@shop.example> a écrit :\n\n> bonjour",
            "Oui",
            id="french",
        ),
        pytest.param(
            "Ja\n\nOp ma 30 nov 2026 om 10:12 schreef Shop <help@shop.example>:\n\n> hoi",
            "Ja",
            id="dutch",
        ),
        pytest.param(
            "> Which item?\nThe mug.\n> Which order?\n#W1",
            "The mug.\n#W1",
            id="inline",
        ),
        pytest.param(
            "On Mon, 30 Nov 2026 at 10:12, Shop <h@s.example> wrote:\n> Which?\n\nThe mug, please.",
            "The mug, please.",
            id="bottom",
        ),
        pytest.param(
            "On Monday 30 Nov, I wrote: please refund\nand the rest",
            "On Monday 30 Nov, I wrote: please refund\nand the rest",
            id="human on",
        ),
        pytest.param(
            "On 3 November at 10:12 I wrote:\nplease refund the mug",
            "On 3 November at 10:12 I wrote:\nplease refund the mug",
            id="human on2",
        ),
        pytest.param(
            (
                "---------- Forwarded message ---------\n"
                "From: Kim <kim@example.com>\n"
                "Date: Mon\n"
                "Subject: mug\n"
                "To: x\n"
                "\n"
                "It broke"
            ),
            (
                "---------- Forwarded message ---------\n"
                "From: Kim <kim@example.com>\n"
                "Date: Mon\n"
                "Subject: mug\n"
                "To: x\n"
                "\n"
                "It broke"
            ),
            id="forward all",
        ),
        pytest.param(
            "ok\n-----Original Message-----\nFrom: a\nSent: b\n\nhallo",
            "ok",
            id="orig",
        ),
        pytest.param(
            "It works\n\n##- Please type your reply above this line -##\n\nhello",
            "It works",
            id="zendesk",
        ),
        pytest.param(
            "返金してください\n\n2026年11月30日(月) 10:12 Shop <help@shop.example>:\n\n> こんにちは",
            "返金してください",
            id="japanese",
        ),
        pytest.param(
            "Please stop\n\n> quoted\n> more",
            "Please stop",
            id="crlf-ish html",
        ),
        pytest.param(
            ("Va bene\n\nIl giorno lun 30 nov 2026 alle ore 10:12 Shop <help@shop.example> ha scritto:\n\n> ciao"),
            "Va bene",
            id="italian",
        ),
        pytest.param(
            "Tak\n\npon., 30 lis 2026 o 10:12 Shop <help@shop.example> napisał(a):\n\n> hej",
            "Tak",
            id="polish",
        ),
        pytest.param(
            (
                "No\n"
                "\n"
                "    On Monday, November 30, 2026 at 10:12:00 AM GMT, Shop <help@shop.example> wrote:  \n"
                " \n"
                " Do you?\n"
            ),
            "No",
            id="yahoo",
        ),
        pytest.param(
            (
                "Stop it\n"
                "\n"
                "Get Outlook for iOS<https://aka.ms/o0ukef>\n"
                "________________________________\n"
                "From: Shop <help@shop.example>\n"
                "Sent: Monday\n"
                "To: K\n"
                "Subject: x\n"
                "\n"
                "old"
            ),
            "Stop it\n\nGet Outlook for iOS<https://aka.ms/o0ukef>",
            id="outlook mobile",
        ),
        pytest.param(
            "Fine\n\n*From:* Shop <help@shop.example>\n*Sent:* Monday\n*To:* K\n*Subject:* x\n\nold",
            "Fine",
            id="outlook bold",
        ),
        pytest.param(
            "From: Leeds to London please\nDate of purchase: May",
            "From: Leeds to London please\nDate of purchase: May",
            id="plain no quote",
        ),
        pytest.param(
            (
                "ok\n"
                "\n"
                "On Mon, 30 Nov 2026 at 10:12, A Very Long Name Of The Support Team\n"
                "Of The Shop With Branches <help@shop.example>\n"
                "wrote:\n"
                "> x"
            ),
            "ok",
            id="gmail wrapped 3",
        ),
        pytest.param(
            "thanks\n\n> > older\n> newer",
            "thanks",
            id="nested",
        ),
        pytest.param(
            "> 3 weeks late!\nPlease refund.",
            "Please refund.",
            id="gt then text",
        ),
    ],
)
def test_new_words_are_found(text: str, new: str) -> None:
    assert new_words(text, quoted_spans(text)) == new


def test_spans_cover_the_quoted_text_in_order() -> None:
    text = f"Yes.\n\n{OLD}\n> Do you?\n\nAnd thanks.\n> Bye\n"
    assert [text[start:end] for start, end in quoted_spans(text)] == [f"{OLD}\n> Do you?\n", "> Bye\n"]


def test_a_message_that_only_quotes_is_not_folded_away() -> None:
    assert quoted_spans(f"{OLD}\n> Do you?\n") == []
    assert quoted_spans("") == []


@pytest.mark.parametrize(
    "piece",
    ["\n", "On ", "> ", ">\n", "a", "From: x\n", f"{OLD}\n", f"{OLD}\n\n\n", "On 1\n", "_", "<1:\n\n", "\u2028"],
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    short, long = (_cpu_seconds(piece * (length // len(piece))) for length in (50_000, 400_000))
    assert long < max(short, 0.02) * 32, f"{short:.3f} s, then {long:.3f} s for eight times the text"


def _cpu_seconds(text: str) -> float:
    begun = time.process_time()
    quoted_spans(text)
    return time.process_time() - begun
