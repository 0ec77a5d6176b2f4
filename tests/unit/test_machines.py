"""Messages of machines are recognised by their marks, and people who use the same words are not."""

from typing import Any

import pytest

from tickets.machines import Machine, recognise

PERSON: dict[str, Any] = {
    "sender": "kim@example.com",
    "subject": "My order",
    "text": "Please refund the mug.",
    "auto_submitted": "no",
    "answers_us": False,
}


@pytest.mark.parametrize(
    ("given", "machine"),
    [
        ({"auto_submitted": "auto-replied"}, Machine.AUTO_REPLY),
        ({"auto_submitted": "auto-generated"}, Machine.GENERATED),
        ({}, None),
        ({"sender": "mailer-daemon@shop.example"}, Machine.BOUNCE),
        ({"sender": "MAILER-DAEMON@x"}, Machine.BOUNCE),
        ({"sender": "postmaster@outlook.com"}, Machine.BOUNCE),
        ({"sender": "bounces+123@x"}, Machine.BOUNCE),
        ({"sender": "bounce-1-2@x"}, Machine.BOUNCE),
        ({"sender": "noreply@x"}, Machine.NO_REPLY),
        ({"sender": "no-reply@x"}, Machine.NO_REPLY),
        ({"sender": "donotreply@x"}, Machine.NO_REPLY),
        ({"sender": "shop.no-reply@x"}, Machine.NO_REPLY),
        ({"sender": "no_reply+tag@x"}, Machine.NO_REPLY),
        ({"sender": "do-not-reply@x"}, Machine.NO_REPLY),
        ({"sender": "noreply-orders@x"}, Machine.NO_REPLY),
        ({"sender": "norely@x"}, None),
        ({"sender": "nora.reply@x"}, None),
        ({"sender": "kim.noreplyman@x"}, None),
        ({"sender": "arno.reply@x"}, None),
        ({"subject": "Undelivered Mail Returned to Sender", "text": "x"}, Machine.BOUNCE),
        ({"subject": "Delivery Status Notification (Failure)"}, Machine.BOUNCE),
        ({"subject": "Undeliverable: Re: My order"}, Machine.BOUNCE),
        ({"subject": "Mail delivery failed: returning message to sender"}, Machine.BOUNCE),
        ({"subject": "Unzustellbar: Ihre Bestellung"}, Machine.BOUNCE),
        ({"subject": "Undelivered parcel #W1"}, None),
        ({"subject": "Undeliverable parcel?"}, None),
        ({"subject": "Delivery failure of my order #W12"}, None),
        ({"subject": "Automatic reply: Re: My order"}, Machine.AUTO_REPLY),
        ({"subject": "Out of Office: Re: My order"}, Machine.AUTO_REPLY),
        ({"subject": "Abwesenheitsnotiz: Bestellung"}, Machine.AUTO_REPLY),
        ({"subject": "Automatische Antwort: x"}, Machine.AUTO_REPLY),
        ({"subject": "Réponse automatique : x"}, Machine.AUTO_REPLY),
        ({"subject": "Respuesta automática: x"}, Machine.AUTO_REPLY),
        ({"subject": "自動返信"}, Machine.AUTO_REPLY),
        ({"subject": "Out of Office Re: order"}, Machine.AUTO_REPLY),
        ({"subject": "Out of office chair broken"}, None),
        ({"subject": "Auto reply broken"}, None),
        ({"text": "I am out of the office until 5 December.", "answers_us": True}, Machine.AUTO_REPLY),
        ({"text": "I'm currently out of office and will reply on Monday.", "answers_us": True}, Machine.AUTO_REPLY),
        (
            {"text": "Thank you for your message. I am on annual leave until 5 December.", "answers_us": True},
            Machine.AUTO_REPLY,
        ),
        (
            {"text": "Vielen Dank für Ihre Nachricht. Ich bin bis zum 5.12. nicht im Büro.", "answers_us": True},
            Machine.AUTO_REPLY,
        ),
        ({"text": "Je suis absente jusqu'au 5 décembre.", "answers_us": True}, Machine.AUTO_REPLY),
        ({"text": "Estoy fuera de la oficina hasta el lunes.", "answers_us": True}, Machine.AUTO_REPLY),
        ({"text": "I am out of the office until Friday, please send the parcel to my home.", "answers_us": True}, None),
        ({"text": "I was out of the office when it came", "answers_us": True}, None),
        ({"text": "I am out of the office until 5 December.", "answers_us": False}, None),
        ({"text": "Automatic reply: I will be back on Monday.", "answers_us": True}, Machine.AUTO_REPLY),
        (
            {"text": "This is an automated response. Your message has been received.", "answers_us": True},
            Machine.AUTO_REPLY,
        ),
        (
            {
                "text": "This is the mail system at host mx.example.\n\nYour message could not be delivered",
                "answers_us": True,
            },
            Machine.BOUNCE,
        ),
        ({"text": "Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1"}, Machine.BOUNCE),
        ({"text": "My parcel could not be delivered to the address.", "answers_us": True}, None),
        ({"text": "The courier said: your message could not be delivered lol"}, None),
        ({"text": "I'm away until Monday, can you hold my order?", "answers_us": True}, None),
        ({"text": "Thanks, all good!", "answers_us": True}, None),
        ({"text": "Ok", "answers_us": True}, None),
        ({"text": "I am on vacation.\n\nBest\nKim", "answers_us": True}, Machine.AUTO_REPLY),
        ({"text": "Ik ben momenteel afwezig en lees mijn e-mail niet.", "answers_us": True}, Machine.AUTO_REPLY),
        ({"text": "I no longer work here. Please contact info@x.", "answers_us": True}, None),
    ],
)
def test_machines_are_told_from_people(given: dict[str, Any], machine: Machine | None) -> None:
    assert recognise(**{**PERSON, **given}) == machine
