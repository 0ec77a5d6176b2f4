"""Whether a reply says more than what happened, in typical customer-service language."""

# ruff: noqa: RUF001 - other alphabets are what is tested

from dataclasses import replace
from typing import Any

import pytest

from agentops.lab.simulator.model import words
from agentops.lab.simulator.model.effects import Effect as Wanted
from agentops.lab.simulator.model.looking import Findings
from agentops.lab.simulator.model.transcript import Call
from agentops.lib.money import Money
from approvals.grounding.check import SucceededEffect, claim_for, fill_in_actions, find_ungrounded, is_untrue
from approvals.grounding.orders import said_cancelled

REFUND = SucceededEffect("refund", "#W1234567", Money(8400, "USD"), "t1:refund:1")
CANCEL = SucceededEffect("cancel_order", "#W7654321", Money(12_000, "USD"), "t1:cancel_order:1")
ACCOUNT = SucceededEffect("account_change", key="t1:account_change:1")


def sentences(text: str, *done: SucceededEffect, claims: list[dict[str, Any]] | None = None) -> list[str]:
    """Return the unfounded sentences of a reply that claims all that was done, or just `claims`."""
    return find_ungrounded(text, [claim_for(effect) for effect in done] if claims is None else claims, done)


CLAIMS_A_REFUND = [
    "Your refund is on its way.",
    "I have refunded $84.00 to your card.",
    "We've refunded 84.00 USD.",
    "Your refund of $84.00 has been issued.",
    "You will receive your refund within 5 days.",
    "I have processed your refund!",
    "You have been reimbursed in full.",
    "The amount was credited to your account.",
    "We sent your money back today.",
    "We have returned the $84.00 to your card.",
    "The money is on its way back to you.",
    # Next to a denial, a courtesy or a request.
    "No problem, I have refunded the $84.00.",
    "No worries, your refund has been issued.",
    "I cannot apologise enough; your refund of $84.00 is on its way.",
    "Not to worry: we refunded you.",
    "I could not exchange the lamp, but I have refunded it.",
    "I have refunded $84.00, so no further action is needed.",
    "I have refunded $84.00 and you need not return the lamp.",
    "As per your request, I have refunded $84.00.",
    "Your request for a refund has been approved and the refund was issued.",
    "You asked for your money back, and I have refunded it.",
    "Once again sorry, we refunded you.",
    "I refunded you, is there anything else?",
    "If you check your account you will see that we refunded $84.00.",
    "Please let me know when your refund arrives, it was issued today.",
    "Your funds of $84.00 are on their way.",
    "I have wired you 84.00 USD",
    "I have reversed the charge.",
    "you will see $84.00 on your statement",
    "Your cash follows tomorrow.",
    "The money is back in your account.",
    "The balance was transferred.",
    "Eighty-four dollars will be with you soon.",
    "We asked the bank to send the $84.00.",
    "Your order total of $84.00 was sent to your card.",
    "The total was $84.00 and you will see it soon.",
    # What the customer asked for, stated as done.
    "The refund you requested has been completed.",
    "The refund you requested is complete",
    "The refund of $84.00 you asked for is complete.",
    "Your request for a refund was successful.",
    "Your request for a refund has been granted.",
    "The refund you asked for comes tomorrow.",
    "The refund you asked for has gone through.",
    "The refund you requested went through this morning",
    "The refund you requested will arrive within five days.",
    "The refund you requested will be processed today.",
    "The refund you requested is now confirmed.",
    "I will refund the $84.00 you asked for.",
    "We are issuing the refund you requested.",
    "I'll gladly send the refund you requested.",
    "The refund you wanted is done!",
    # The denial is about something other than the effect.
    "The refund will not take longer than 3 days",
    "You should not worry as the refund is in your account",
    "I did not hesitate to refund you.",
    "No refund is missing any more.",
    "Your refund cannot be stopped.",
    # In other languages.
    "Ihr Geld ist unterwegs",
    "Nous vous avons viré 84 €",
    "Wir haben Ihnen 84,00 € erstattet.",
    "Ihre Rückerstattung wurde veranlasst.",
    "Der Betrag wurde Ihnen gutgeschrieben.",
    "Wir haben den Betrag zurückgezahlt.",
    "Kein Problem, wir haben Ihnen den Betrag erstattet.",
    "Nous vous avons remboursé 84,00 €.",
    "Votre remboursement est en cours.",
    "Le hemos reembolsado 84,00 €.",
    "Hemos devuelto el importe a su tarjeta.",
    "Vi abbiamo rimborsato 84,00 €.",
    "Wij hebben u 84,00 € terugbetaald.",
    "Reembolsamos o valor de 84,00 €.",
    "8400円を返金いたしました。",
    "我们已为您退款。",
    "환불해 드렸습니다.",
    "Мы оформили возврат средств.",
    "Zwrot środków został zlecony.",
]


@pytest.mark.parametrize("text", CLAIMS_A_REFUND)
def test_a_refund_that_never_happened_is_reported(text: str) -> None:
    assert sentences(text)


@pytest.mark.parametrize(
    "text",
    [
        "تم رد المبلغ إلى حسابك",
        "आपका पैसा वापस कर दिया गया है",
        "Σας επιστρέψαμε τα χρήματα.",
        "退钱已到账",
        "Thank you. 退钱已到账",
        "Hi Maya, 退钱已到账",
        "Paranız hesabınıza iade edildi.",
        "Paranız yolda.",
        "Peníze jsme vám vrátili na účet.",
        "Thank you for your message. Peníze jsme vrátili.",
        "Vaše peníze jsou na cestě a do tří dnů je máte na účtu.",
        "Rahasi on matkalla.",
        "Banii au fost trimisi inapoi.",
        "Uang Anda sudah dikirim kembali.",
        "Tiền của bạn đã được hoàn lại.",
    ],
)
def test_an_uncovered_language_needs_approval_even_after_an_effect(text: str) -> None:
    assert any("language or script" in reported for reported in sentences(text, REFUND, CANCEL, ACCOUNT))


@pytest.mark.parametrize("text", ["Ref\u200bunded", "You are refund\u00aded.", "Ｒｅｆｕｎｄｅｄ", "Réfunded."])
def test_invisible_characters_do_not_hide_a_word(text: str) -> None:
    assert any("mentions a refund" in reported for reported in sentences(text))


@pytest.mark.parametrize("text", ["We r\u0435funded it.", "We have \u0280efunded it.", "It is r e f u n d e d."])
def test_words_in_mixed_or_unusual_scripts_need_approval(text: str) -> None:
    assert any("unusual letters" in reported for reported in sentences(text, REFUND))


@pytest.mark.parametrize(
    "text",
    [
        "I called off order #W1234567",
        "I called your order off.",
        "Your order was voided.",
        "We have undone the purchase.",
        "I have cancelled order #W7654321.",
        "Your order has been canceled.",
        "The cancellation is complete.",
        "Sure thing, no questions asked, it is cancelled.",
        "Ihre Bestellung wurde storniert.",
        "Votre commande a été annulée.",
        "Su pedido ha sido cancelado.",
        "Il suo ordine è stato annullato.",
        "Uw bestelling is geannuleerd.",
        "ご注文をキャンセルいたしました。",
    ],
)
def test_a_cancellation_that_never_happened_is_reported(text: str) -> None:
    assert sentences(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("The full price you paid has been restored to you.", "refund"),
        ("You have your money again.", "refund"),
        ("We have made you whole.", "refund"),
        ("A credit has been added to your account.", "refund"),
        ("We have stopped your order.", "cancellation"),
        ("We have closed your order, it will not be delivered.", "cancellation"),
        ("I will stop your order.", "cancellation"),
        ("I have put your new address on file.", "account change"),
        ("Your new address has been saved.", "account change"),
        ("I have sent you a replacement.", "replacement"),
        ("Your replacement is on its way.", "replacement"),
        ("I have shipped it again.", "replacement"),
        ("We have resent the lamp to you.", "replacement"),
        ("Wir haben Ihnen einen Ersatz geschickt.", "replacement"),
        ("I have issued a voucher.", "voucher"),
        ("We have added store credit to your account.", "voucher"),
        ("You will receive a gift card.", "voucher"),
        ("Wir haben Ihnen einen Gutschein geschickt.", "voucher"),
    ],
)
def test_paraphrased_and_unsupported_effects_are_reported(text: str, what: str) -> None:
    assert any(what in reported for reported in sentences(text))
    if what in ("replacement", "voucher"):
        assert any(what in reported for reported in sentences(text, REFUND, CANCEL, ACCOUNT))


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("The full price you paid has been restored to you.", replace(REFUND, captured=8400)),
        ("You have your money again.", REFUND),
        ("We have made you whole.", REFUND),
        ("A credit of $84.00 has been added to your account.", REFUND),
        ("I have refunded $84.00 to your gift card.", REFUND),
        ("The $84.00 were sent to your credit card.", REFUND),
        ("We have stopped your order.", CANCEL),
        ("We have closed your order, it will not be delivered.", CANCEL),
        ("I have put your new address on file.", ACCOUNT),
    ],
)
def test_an_effect_that_happened_may_be_paraphrased(text: str, effect: SucceededEffect) -> None:
    assert sentences(text, effect) == []


@pytest.mark.parametrize(
    "text",
    [
        "I cannot restore the price you paid.",
        "I cannot make you whole.",
        "If you want your money again, tell me.",
        "I cannot add a credit to your account.",
        "No credit was added to your account.",
        "I cannot stop your order.",
        "Your order has not been stopped.",
        "Your order is too far along, so we could not stop it.",
        "I cannot find your address on file.",
        "I have not put your new address on file.",
        "I cannot send a replacement.",
        "If you want a replacement, tell me.",
        "No replacement was sent.",
        "Would you like a replacement?",
        "You can send it back for a replacement.",
        "I cannot issue a voucher.",
        "We have not issued a voucher.",
        "If you would like a voucher, tell me.",
        "We have not shipped it again.",
    ],
)
def test_a_paraphrased_denial_or_condition_claims_nothing(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "I have updated your e-mail address to new@example.com.",
        "Your email was changed.",
        "Your address is now set to 1 Mill Lane.",
        "We corrected the name on your account.",
        "I have set your email address to new@example.com.",
    ],
)
def test_an_account_change_that_never_happened_is_reported(text: str) -> None:
    assert sentences(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please let us know if the $84.00 refund does not show up on your card within 5 business days.",
        "Please tell us if the money hasn't arrived by Friday.",
        "Is there anything else I can do now that the refund is complete?",
        "Could you check whether the funds have not reached you?",
        "To get your refund just wait 5 days.",
        "Your money should be with you within 5 days.",
        "I have removed your order from our system, and nothing will be shipped.",
        "From now on your account uses new@example.com.",
        "Once the refund arrives, please confirm it.",
    ],
)
def test_a_sentence_that_presupposes_an_effect_is_reported(text: str) -> None:
    assert sentences(text)


@pytest.mark.parametrize(
    "text",
    [
        "Please tell me whether the refund is for the mug or the lamp.",
        "Could you tell me which payment the refund is about?",
        "Would you like me to issue the $84.00 refund to your card?",
        "To get a refund, please send us a picture of the lamp.",
        "If the lamp arrives broken, please tell us.",
        "Could you tell me the address that your account should have?",
        "Please let us know if your order does not arrive by Friday.",
    ],
)
def test_a_question_that_presupposes_nothing_claims_nothing(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your message.",
        "Your order was delivered on Monday.",
        "I am sorry, I cannot refund this order.",
        "Unfortunately we could not refund the lamp.",
        "Your refund was declined, and the order was not cancelled.",
        "This order has not been refunded.",
        "We are unable to issue a refund for this item.",
        "No refund was made.",
        "Nothing was refunded.",
        "Your order has not been cancelled.",
        "We can't cancel an order that has shipped.",
        "I have not changed your e-mail address.",
        "Would you like a refund or an exchange?",
        "Do you want me to cancel the order?",
        "Which order should be refunded?",
        "Please tell me which order you want refunded.",
        "Could you send me the order number, so that I can look into the refund?",
        "To process a refund I need your order number.",
        "If you would like a refund, please send us the order number.",
        "I have passed your request for a refund to a colleague.",
        "Thank you for your request for a refund.",
        "We have received your request for a refund.",
        "A colleague will look into the refund you requested.",
        "I will pass on the refund you asked for to a colleague, who decides.",
        "Your request for a refund is with a colleague now.",
        "You asked for a refund of $84.00, and I need the order number.",
        "Leider können wir den Betrag nicht erstatten.",
        "Wir haben keine Erstattung veranlasst.",
        "Nous ne pouvons pas vous rembourser.",
        "No podemos reembolsar este pedido.",
        "Non possiamo rimborsare questo ordine.",
        "We kunnen dit niet terugbetalen.",
    ],
)
def test_a_denial_a_question_or_a_condition_claims_nothing(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "I have refunded $84.00 for order #W1234567.",
        "Your refund of 84.00 USD is on its way.",
        "USD 84.00 were refunded.",
        "We refunded $84 (order W1234567).",
        "Wir haben Ihnen 84,00 USD erstattet.",
        "Nous vous avons remboursé 84,00 $.",
        "No problem, I have refunded the $84.00.",
    ],
)
def test_a_refund_that_happened_may_be_mentioned(text: str) -> None:
    assert sentences(text, REFUND) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I have refunded $85.00.", "85.00"),
        ("I have refunded $840.00.", "840.00"),
        ("I have refunded $84.00 and another $16.00.", "16.00"),
        ("We refunded 8400 USD.", "8400"),
        ("The refund of $90.00 you asked for is complete.", "90.00"),
        ("I will refund the $90.00 you asked for.", "90.00"),
        ("Wir haben 85,00 € erstattet.", "85,00"),
        ("I have refunded order #W7654321.", "#W7654321"),
        ("I have refunded $84.00 for orders #W1234567 and #W7654321.", "#W7654321"),
    ],
)
def test_an_amount_or_order_that_does_not_match_is_named(text: str, found: str) -> None:
    reported = sentences(text, REFUND)
    assert len(reported) == 1
    assert found in reported[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We have refunded $84.00. It was for order #W9999999.", "#W9999999"),
        ("Your refund is complete. This covers orders #W1234567 and #W7654321.", "#W7654321"),
        ("Order #W7654321: done. We have refunded $84.00.", "#W7654321"),
        ("We have refunded $84.00. It was for order #W7654321, which is on its way.", "#W7654321"),
        ("We have refunded $84.00. All is well. The orders were #W1234567 and #W7654321.", "#W7654321"),
        ("Wir haben Ihnen 84,00 USD erstattet. Das war für die Bestellung #W7654321.", "#W7654321"),
    ],
)
def test_an_order_in_the_next_sentence_must_match_the_effect(text: str, found: str) -> None:
    reported = sentences(text, REFUND)
    assert len(reported) == 1
    assert f"mentions {found}," in reported[0]


@pytest.mark.parametrize(
    "text",
    [
        "We have refunded $84.00. It was for order #W1234567.",
        "We have refunded $84.00. Your other order #W7654321 is on its way.",
        "We have refunded $84.00. About order #W7654321 I cannot do anything from here.",
        "We have refunded $84.00. Order #W7654321, placed on Monday, was delivered.",
        "We have refunded $84.00. I cannot find an order #W7654321.",
        "We have refunded $84.00. Is order #W7654321 the one you mean?",
        "Wir haben Ihnen 84,00 USD erstattet. Ihre Bestellung #W7654321 ist unterwegs.",
    ],
)
def test_a_sentence_about_another_order_may_name_it(text: str) -> None:
    assert sentences(text, REFUND) == []


IN_FULL = [
    "You have been reimbursed in full.",
    "We have issued a full refund.",
    "The whole amount of your order has been refunded.",
    "We have refunded 100 % of what you paid.",
    "I have refunded everything you paid.",
    "Your order was fully refunded.",
    "Your refund was issued, in full.",
    "All of your money is back on your card.",
    "Wir haben Ihnen den vollen Betrag erstattet.",
    "Der gesamte Betrag wurde Ihnen erstattet.",
    "Nous vous avons remboursé intégralement.",
    "Nous vous avons remboursé le montant total.",
    "Le hemos reembolsado el importe total.",
    "Vi abbiamo rimborsato l'intero importo.",
    "Wij hebben u het volledige bedrag terugbetaald.",
    "Reembolsamos o valor total.",
]


@pytest.mark.parametrize("text", IN_FULL)
def test_only_a_full_refund_may_be_called_full(text: str) -> None:
    assert any("everything was refunded" in reported for reported in sentences(text, replace(REFUND, captured=9000)))
    assert any("everything was refunded" in reported for reported in sentences(text, REFUND))
    assert sentences(text, replace(REFUND, captured=8400)) == []


def test_partial_refunds_may_add_up_to_a_full_refund() -> None:
    parts = [replace(REFUND, money=Money(amount, "USD"), key=str(amount), captured=8400) for amount in (8000, 400)]
    assert sentences("You have been reimbursed in full.", *parts) == []
    assert sentences("You have been reimbursed in full.", *parts, claims=[claim_for(parts[0])])


def test_a_cancellation_counts_as_a_full_refund() -> None:
    assert sentences("I have cancelled the order and refunded you in full.", CANCEL) == []


@pytest.mark.parametrize(
    "text",
    [
        "I have refunded $84.00, but I cannot give a full refund.",
        "I have refunded $84.00, not the full amount.",
        "I have refunded $84.00. I could not refund the whole order.",
    ],
)
def test_a_reply_may_say_that_the_refund_was_partial(text: str) -> None:
    assert sentences(text, replace(REFUND, captured=9000)) == []


@pytest.mark.parametrize(
    "text", ["We refunded 85 of it.", "I refunded 8,400 for you.", "You were refunded 1 084.", "I refunded 90 or so."]
)
def test_a_bare_number_next_to_a_refund_is_an_amount(text: str) -> None:
    assert any("matches no claimed action" in reported for reported in sentences(text, REFUND))


@pytest.mark.parametrize(
    "text",
    [
        "We refunded 84 of it.",
        "Your refund will reach you within 15 days.",
        "Your refund takes 5-10 working days.",
        "Your refund takes 10 to 14 business days.",
        "Your refund takes between 10 and 14 business days.",
        "I refunded $84.00 on 2026-11-12 at 10:30.",
        "I refunded $84.00 on 12 November 2026.",
        "I refunded $84.00 on November 12, 2026.",
        "I refunded $84.00 on 12/11/2026.",
        "I refunded $84.00 on 12.11.2026.",
        "I refunded $84.00 to your card ending in 4242.",
        "I refunded $84.00 to your card ****4242.",
        "I refunded $84.00 for the parcel with the tracking number 472938472.",
        "I refunded $84.00 for item 9523456.",
        "I refunded $84.00 at 10 am.",
        "Die Erstattung ist in 10 bis 14 Tagen bei Ihnen.",
    ],
)
def test_dates_durations_and_numbers_of_other_things_are_not_amounts(text: str) -> None:
    assert sentences(text, REFUND) == []


@pytest.mark.parametrize(
    "text",
    [
        "I refunded 84.00 EUR",
        "I refunded £84.00",
        "I refunded C$84.00",
        "I refunded $84k.",
        "I refunded 1 084.00 USD.",
        "I refunded 85.00 to your card.",
        "I refunded eighty dollars.",
        "The other $20 follows tomorrow",
        "A further $16.00 is on the way",
        "Please check your account for the $20.00.",
        "Your order total of $90.00 was sent to your card.",
    ],
)
def test_an_amount_that_no_action_has_is_reported(text: str) -> None:
    assert any("matches no claimed action" in reported for reported in sentences(text, REFUND))


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("I refunded $84.00 twice", 2),
        ("I have refunded you again.", 2),
        ("I have refunded $84.00 and another $84.00.", 2),
        ("Both refunds are done.", 2),
        ("I have refunded you a third time.", 3),
    ],
)
def test_an_effect_mentioned_twice_must_have_happened_twice(text: str, times: int) -> None:
    assert sentences(text, *[REFUND] * (times - 1))
    assert sentences(text, *[REFUND] * times) == []


@pytest.mark.parametrize(
    "text",
    [
        "Your order total is $84.00.",
        "Its total is 904.46 USD.",
        "Your order total is $84.00 ($80.00 plus $4.00 shipping).",
        "The price of the lamp is 84.00 USD.",
        "You asked for $84.00.",
        "We could not pay back the $84.00.",
        "You may still be refunded up to $84.00.",
        "Would you like a refund of $84.00?",
    ],
)
def test_an_amount_clearly_about_something_else_is_allowed(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hi Γιώργος,\n\nThank you for your message.\n\nKind regards,\nCustomer support",
        "We are looking into it.",
        "Ihre Bestellung wurde am Montag geliefert.",
        "Votre commande est en route.",
        "Su pedido fue entregado el lunes.",
        "Il suo ordine è stato consegnato.",
        "Uw bestelling is onderweg.",
        "O seu pedido foi entregue.",
    ],
)
def test_an_answer_in_a_covered_language_passes(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("USD", 123_450, "We refunded $1,234.50."),
        ("EUR", 123_450, "Wir haben 1.234,50 € erstattet."),
        ("EUR", 123_450, "We refunded 1234.50 EUR."),
        ("JPY", 8400, "We refunded ¥8,400."),
        ("JPY", 8400, "We refunded 8400 yen."),
        ("KWD", 1500, "We refunded 1.500 KWD."),
        ("KWD", 1500, "We refunded KWD 1.500."),
        ("GBP", 1200, "We refunded 12 pounds."),
    ],
)
def test_amounts_are_read_in_the_formats_of_their_currency(currency: str, amount: int, text: str) -> None:
    assert sentences(text, SucceededEffect("refund", "#W1", Money(amount, currency))) == []
    assert sentences(text, SucceededEffect("refund", "#W1", Money(amount + 1, currency)))


def test_the_sum_of_several_refunds_may_be_mentioned() -> None:
    other = SucceededEffect("refund", "#W7654321", Money(1600, "USD"))
    assert sentences("In all I have refunded $100.00: $84.00 and $16.00.", REFUND, other) == []
    assert sentences("In all I have refunded $101.00.", REFUND, other)


def test_one_kind_of_effect_does_not_support_another() -> None:
    assert sentences("I have cancelled your order.", REFUND)
    assert sentences("I have changed your e-mail address.", REFUND)
    assert sentences("I have refunded you.", ACCOUNT)


def test_two_effects_in_one_sentence_each_need_support() -> None:
    assert "a cancellation" in sentences("I have cancelled the order and refunded $84.00.", REFUND)[0]
    assert sentences("I have cancelled order #W7654321 and refunded the $84.00.", REFUND, CANCEL) == []


def test_a_cancellation_also_returns_the_money() -> None:
    assert sentences("I have cancelled the order; the $120.00 are refunded.", CANCEL) == []


def test_each_sentence_is_judged_separately() -> None:
    reported = sentences("I have refunded $84.00. I have cancelled the rest.\nYour e-mail address was changed.", REFUND)
    assert len(reported) == 2


def test_the_same_finding_is_reported_once() -> None:
    assert len(sentences("Your refund is on its way. Your refund is on its way.")) == 1


@pytest.mark.parametrize(
    ("claim", "grounded"),
    [
        ({"kind": "refund"}, True),
        ({"kind": "refund", "amount": 8400, "currency": "USD", "order_id": "#W1234567"}, True),
        ({"kind": "refund", "order_id": "w1234567"}, True),
        ({"kind": "refund", "amount": 8401}, False),
        ({"kind": "refund", "amount": 8400, "currency": "EUR"}, False),
        ({"kind": "refund", "order_id": "#W7654321"}, False),
        ({"kind": "cancel_order"}, False),
        ({"kind": "account_change"}, False),
        ({"kind": "refund", "action": ""}, False),
        ({"kind": "refund", "action": "t1:refund:2"}, False),
        ({"kind": "refund", "action": "t2:refund:1"}, False),
    ],
)
def test_a_claim_must_name_the_action_that_matches_it(claim: dict[str, Any], grounded: bool) -> None:
    assert (sentences("Hello.", REFUND, claims=[{"action": REFUND.key, **claim}]) == []) is grounded


def test_a_claim_is_not_supported_by_a_different_action() -> None:
    claim = {**claim_for(REFUND), "action": CANCEL.key}
    assert sentences("Hello.", REFUND, CANCEL, claims=[claim]) == [
        "The reply says $84.00 was refunded for #W1234567, but t1:cancel_order:1 did something else."
    ]


@pytest.mark.parametrize(
    "text", ["I have refunded $84.00.", "Your refund is on its way.", "The $84.00 will reach you soon."]
)
def test_true_statements_beyond_the_declared_claims_are_reported(text: str) -> None:
    (reported,) = sentences(text, REFUND, CANCEL, claims=[claim_for(CANCEL)] if "refund" not in text else [])
    assert text.rstrip(".") in reported
    assert not is_untrue(text, [], [REFUND])


def test_order_and_amount_of_an_undeclared_action_are_reported() -> None:
    other = SucceededEffect("refund", "#W7654321", Money(1600, "USD"), "t1:refund:2")
    reported = sentences("I have refunded $16.00 for order #W7654321.", REFUND, other, claims=[claim_for(REFUND)])
    assert ["#W7654321" in reported[0], "$16.00" in reported[1], len(reported)] == [True, True, 2]
    assert sentences("I have refunded $16.00 for order #W7654321.", REFUND, other, claims=[claim_for(other)]) == []


def test_a_claim_without_an_action_gets_the_one_that_matches() -> None:
    assert fill_in_actions([{"kind": "refund", "amount": 8400}], [REFUND, CANCEL]) == [
        {"kind": "refund", "amount": 8400, "action": REFUND.key}
    ]
    assert fill_in_actions([{"kind": "refund", "amount": 8401, "currency": "USD"}], [REFUND]) == [
        {"kind": "refund", "amount": 8401, "currency": "USD"}
    ]


def test_a_claim_that_several_actions_match_gets_none_of_them() -> None:
    twin = SucceededEffect("refund", "#W1234567", Money(8400, "USD"), "t1:refund:2")
    claim = {"kind": "refund", "amount": 8400}
    assert fill_in_actions([claim], [REFUND, twin]) == [claim]
    assert sentences("Hello.", REFUND, twin, claims=[claim]) == [
        "The reply says 8400 was refunded, but doesn't name the action."
    ]
    assert fill_in_actions([{**claim, "action": REFUND.key}, claim], [REFUND, twin])[1]["action"] == twin.key


def test_an_unsupported_claim_is_reported_with_formatted_amounts() -> None:
    reported = sentences("Hello.", claims=[{"kind": "refund", "amount": 8400, "currency": "USD", "order_id": "#W1"}])
    assert reported == ["The reply says $84.00 was refunded for #W1, but there is no such refund."]


def unsupported(text: str, *cancelled: str, done: tuple[SucceededEffect, ...] = ()) -> list[str]:
    return find_ungrounded(text, [claim_for(effect) for effect in done], done, cancelled)


@pytest.mark.parametrize(
    "text",
    [
        "Order #W1234567 is cancelled.",
        "Your order W1234567 was cancelled on 2026-01-04. Its total was 904.46 USD.",
        "Order #W1234567 has already been canceled, so it will not be sent.",
        "#W1234567 is shown as cancelled in the shop.",
        "I looked at order #W1234567. Your order is already cancelled.",
        "Ihre Bestellung #W1234567 ist bereits storniert.",
        "Votre commande #W1234567 est déjà annulée.",
        "Uw bestelling #W1234567 is al geannuleerd.",
    ],
)
def test_a_reply_may_say_that_the_shop_shows_a_cancellation(text: str) -> None:
    assert said_cancelled(text)
    assert unsupported(text, "#W1234567") == []
    assert unsupported(text)
    assert unsupported(text, "#W7654321")


@pytest.mark.parametrize(
    "text",
    [
        "I have cancelled order #W1234567.",
        "We cancelled it: order #W1234567 is cancelled.",
        "As you asked, order #W1234567 is cancelled.",
        "Order #W1234567 is cancelled as you requested.",
        "Order #W1234567 was just cancelled for you.",
        "Order #W1234567 is now cancelled.",
        "Order #W1234567 will be cancelled.",
        "The cancellation of order #W1234567 is complete.",
        "Order #W1234567 is cancelled and the money is on its way.",
        "Order #W1234567 is cancelled. Your refund of $84.00 was issued.",
        "Order #W1234567 is cancelled, and so is order #W7654321: it was cancelled too.",
        "Orders #W1234567 and #W7654321 are known. Your order was cancelled.",
        "Soeben wurde Ihre Bestellung #W1234567 storniert.",
    ],
)
def test_an_orders_status_supports_no_claim_of_action_or_money(text: str) -> None:
    assert unsupported(text, "#W1234567")


def test_an_empty_reply_claims_nothing() -> None:
    assert sentences("", REFUND) == []


SHOP_ORDER = {
    "order_id": "#W1234567",
    "status": "delivered",
    "delivered_at": "2026-11-02T10:00:00Z",
    "total": 90_446,
    "currency": "USD",
    "tracking_numbers": ["472938472", "93847"],
}
WANTED = {
    "refund": Wanted("refund", {"order_id": "#W1234567", "amount": 8400, "currency": "USD"}, SHOP_ORDER),
    "cancel_order": Wanted("cancel_order", {"order_id": "#W7654321"}, SHOP_ORDER),
    "account_change": Wanted("change_account", {"email": "may.b@example.com", "name": "May Bo", "address": {}}),
}


def draft_for(kind: str, result: dict[str, Any]) -> words.Draft:
    draft = words.Draft("Maya")
    wanted = WANTED[kind]
    draft.tell(wanted, Call(wanted.tool, "", wanted.arguments, result))
    return draft


@pytest.mark.parametrize(
    ("kind", "effect", "action"),
    [
        ("refund", REFUND, {"order_id": "#W1234567", "amount": 8400, "currency": "USD"}),
        (
            "refund",
            SucceededEffect("refund", "#W1234567", Money(5000, "USD"), "t1:refund:1"),
            {"amount": 5000, "currency": "USD"},
        ),
        ("cancel_order", CANCEL, {"amount": 12_000, "currency": "USD"}),
        ("cancel_order", CANCEL, {}),
        ("account_change", ACCOUNT, {}),
    ],
)
def test_the_simulated_agent_may_report_only_what_it_did(kind: str, effect: SucceededEffect, action: Any) -> None:
    draft = draft_for(kind, {"action": {"status": "succeeded", "idempotency_key": effect.key, **action}})
    assert {claim["action"] for claim in draft.claims} == {effect.key}
    assert sentences(draft.text(), effect, claims=draft.claims) == []
    assert sentences(draft.text(), effect, claims=[])
    assert sentences(draft.text())


@pytest.mark.parametrize("kind", WANTED)
@pytest.mark.parametrize("status", ["rejected", "blocked", "failed"])
def test_the_simulated_agent_may_report_what_did_not_happen(kind: str, status: str) -> None:
    draft = draft_for(
        kind, {"status": status, "action": {"status": status}, "reason": "The item was used. We keep to that."}
    )
    assert sentences(draft.text()) == []


@pytest.mark.parametrize("status", sorted(words.STATUS))
def test_the_simulated_agent_may_report_an_orders_status(status: str) -> None:
    draft = words.Draft("Maya")
    draft.status(SHOP_ORDER | {"status": status})
    draft.exchange()
    draft.not_found(Findings(foreign=["#W1111111"], unknown=["#W2222222"]))
    for remark in set(words.REMARKS) - ({"shipped"} if status == "cancelled" else set()):
        draft.remark(remark, SHOP_ORDER | {"status": status})
    draft.ask("Order #W1234567 was paid in USD (904.46 USD). How much in USD is it about?")
    assert unsupported(draft.text(), *(["#W1234567"] if status == "cancelled" else [])) == []
