"""The model on whole tickets."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.simulator_desk import LAMP, MUG, ONE, PENDING, TWO, Desk, Model, names, order, refused, work


def test_a_plain_refund_reads_the_order_refunds_and_replies() -> None:
    path = work("The lamp from #W1111111 is broken, please refund it.", ONE)
    assert names(path) == ["get_order", "refund", "reply"]
    assert path[1][1]["amount"] == 8400
    assert path[1][1]["currency"] == "USD"
    assert path[2][1]["claims"] == [{"kind": "refund", "order_id": "#W1111111", "amount": 8400, "currency": "USD"}]
    assert "84.00 USD" in path[2][1]["text"]
    assert path[2][1]["text"].startswith("Hi Ada,")


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ("Please refund $10.00 of #W2222222, it came late.", 1000),
        ("The mugs in #W2222222 are cracked. Could you refund them?", 2900),
        ("One of the mugs in #W2222222 is cracked, a refund for it please.", 1450),
        ("Please refund the whole order #W2222222.", 11300),
        ("I want to return everything except the lamp from #W2222222.", 2900),
    ],
)
def test_the_amount_is_as_requested_or_the_items_price(body: str, amount: int) -> None:
    path = work(body, TWO)
    assert names(path) == ["get_order", "refund", "reply"]
    assert path[1][1]["amount"] == amount


def test_without_an_order_number_the_named_item_identifies_the_order() -> None:
    path = work("I want to return the mugs.", ONE, TWO)
    assert names(path) == ["find_orders", "get_order", "refund", "reply"]
    assert path[2][1]["order_id"] == "#W2222222"


def test_without_number_or_item_the_customer_is_asked() -> None:
    path = work("Something is broken, can I have a refund?", ONE, TWO)
    assert names(path) == ["find_orders", "reply"]
    assert "order number" in path[1][1]["text"]
    assert path[1][1]["claims"] == []


def test_an_answer_to_our_question_is_read_with_the_question() -> None:
    model = Model("Something is broken, can I have a refund?")
    model.messages += [
        {"role": "assistant", "content": "Could you send me the order number?"},
        {"role": "user", "content": "It is #W1111111."},
        {"role": "user", "content": "[From the system, not the customer] Actions on this ticket so far:\n- none"},
    ]
    assert names(model.work(Desk(ONE, TWO))) == ["get_order", "refund", "reply"]


def test_a_thank_you_starts_nothing() -> None:
    model = Model("Please refund #W1111111.")
    model.messages += [
        {"role": "assistant", "content": "We have refunded 84.00 USD."},
        {"role": "user", "content": "Thank you so much!"},
    ]
    path = model.work(Desk(ONE))
    assert names(path) == ["reply"]
    assert path[0][1]["claims"] == []


def test_a_tracking_number_given_as_an_order_is_corrected() -> None:
    path = work("My order 490313116609 is broken, please refund it.", ONE)
    assert path[0] == ("get_order", {"order_id": "490313116609"})
    assert path[1] == ("get_order", {"order_id": "#W1111111"})
    assert names(path[2:]) == ["refund", "reply"]


def test_a_tracking_number_is_looked_up() -> None:
    path = work("Where is my parcel? The tracking number is 490313116609.", ONE, TWO)
    assert names(path) == ["find_orders", "get_order", "reply"]


def test_a_second_order_is_a_further_refund() -> None:
    path = work("#W1111111 and #W2222222 both arrived damaged. Please refund both orders.", ONE, TWO)
    assert names(path) == ["get_order", "get_order", "refund", "refund", "reply"]
    assert "further" not in path[2][1]
    assert path[3][1]["further"] is True


@pytest.mark.parametrize(
    "body",
    [
        "Guten Tag, die Lampe aus meiner Bestellung #W1111111 ist beschädigt. Ich möchte bitte das Geld zurück.",
        "Bonjour, la lampe de ma commande #W1111111 est cassée. Je voudrais un remboursement, merci.",
        "Hola, la lámpara de mi pedido #W1111111 está rota. Quiero un reembolso, por favor, gracias.",
        "Buongiorno, la lampada del mio ordine #W1111111 è rotta. Vorrei un rimborso, grazie.",
        "Goedendag, de lamp van mijn bestelling #W1111111 is kapot. Ik wil graag het geld terug.",
    ],
)
def test_a_language_in_the_glossary_is_understood(body: str) -> None:
    path = work(body, ONE)
    assert names(path) == ["get_order", "refund", "reply"]
    assert path[1][1]["amount"] == 8400


def test_a_cancellation_reads_the_order_cancels_and_replies() -> None:
    assert names(work("Please cancel #W3333333.", PENDING)) == ["get_order", "cancel_order", "reply"]
    assert names(work("Please cancel #W1111111.", ONE)) == ["get_order", "reply"]


def test_a_refund_of_an_unshipped_order_is_a_cancellation() -> None:
    assert "cancel_order" in names(work("I want my money back for #W3333333.", PENDING))


def test_part_of_an_order_cannot_be_cancelled() -> None:
    path = work("Please cancel the lamp in #W4444444.", order("#W4444444", LAMP, MUG, status="pending"))
    assert names(path) == ["get_order", "reply"]


def test_an_account_is_read_before_it_is_changed() -> None:
    path = work("Please change my e-mail to ada.new@example.com", ONE)
    assert names(path) == ["get_customer", "change_account", "reply"]
    assert path[1][1]["email"] == "ada.new@example.com"


def test_an_amount_in_another_currency_raises_a_question() -> None:
    path = work("Please refund 20 EUR of #W1111111.", ONE)
    assert names(path) == ["get_order", "reply"]
    assert "paid in USD" in path[1][1]["text"]


def test_split_payments_are_refunded_one_by_one() -> None:
    halves = [
        {"payment_id": "a", "method": "card", "captured": 5000, "refunded": 0},
        {"payment_id": "b", "method": "gift_card", "captured": 3400, "refunded": 0},
    ]
    path = work("The lamp from #W1111111 is broken, please refund it.", ONE | {"payments": halves})
    assert [(given["payment_id"], given["amount"]) for name, given in path if name == "refund"] == [
        ("a", 5000),
        ("b", 3400),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "My lawyer will hear of this! Refund #W1111111.",
        "I am furious, let me talk to a manager.",
        "Moje zamówienie #W1111111 jest uszkodzone, proszę o zwrot i dziękuję.",
        "Please change the colour of the lamp in #W3333333.",
    ],
)
def test_some_tickets_are_handed_to_a_person(body: str) -> None:
    assert names(work(body, ONE, PENDING)) == ["hand_over"]


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({"status": "rejected", "reason": "The window is over."}, "The window is over"),
        ({"status": "blocked"}, "do not allow"),
        ({"status": "failed"}, "did not go through"),
    ],
)
def test_an_effect_that_did_not_happen_is_not_claimed(decided: dict[str, str], expected: str) -> None:
    path = work("The lamp from #W1111111 is broken, please refund it.", ONE, decided=decided)
    assert names(path) == ["get_order", "refund", "reply"]
    assert expected in path[2][1]["text"]
    assert path[2][1]["claims"] == []


@pytest.mark.parametrize("status", ["unresolved", "expired"])
def test_an_unknown_outcome_goes_to_a_person(status: str) -> None:
    path = work("The lamp from #W1111111 is broken, please refund it.", ONE, decided={"status": status})
    assert names(path)[-1] == "hand_over"


def test_the_reply_names_an_edited_amount() -> None:
    path = work("Please refund #W1111111.", ONE, decided={"status": "succeeded", "amount": 4000})
    assert path[-1][1]["claims"][0]["amount"] == 4000
    assert "40.00 USD" in path[-1][1]["text"]


def test_a_read_that_keeps_failing_goes_to_a_person() -> None:
    class Down(Desk):
        def _order(self, order_id: Any) -> dict[str, Any]:
            return refused("unavailable")

    assert names(Model("Please refund #W1111111.").work(Down(ONE))) == ["get_order", "get_order", "hand_over"]


def test_an_answer_has_reasoning_and_usage() -> None:
    model = Model("Please refund #W1111111.")
    first = model.ask(model="gpt-like")
    assert first["model"] == "gpt-like"
    assert first["choices"][0]["finish_reason"] == "tool_calls"
    assert first["choices"][0]["message"]["reasoning_content"]
    model.work(Desk(ONE), turns=1)
    usage = model.ask()["usage"]
    assert 0 < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"]


@pytest.mark.parametrize(
    ("body", "intent", "ambiguous"),
    [
        ("Please refund #W1111111.", "refund", False),
        ("Please cancel #W1111111.", "cancel", False),
        ("Please change my e-mail to ada.new@example.com", "account_change", False),
        ("Where is my order #W1111111?", "question", False),
        ("Could I exchange the lamp of #W1111111?", "other", False),
        ("Something is broken, can I have a refund?", "refund", True),
        ("Hello.", "other", True),
    ],
)
def test_triage_recognises_the_request(body: str, intent: str, ambiguous: bool) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "triage", "schema": {}}}
    found = json.loads(Model(body).ask(tools=[], response_format=wanted)["choices"][0]["message"]["content"])
    assert found.keys() == {"intent", "language", "ambiguous", "risk_signs", "summary"}
    assert (found["intent"], found["ambiguous"], found["language"]) == (intent, ambiguous, "en")


WORDS = re.findall(
    r"\S+",
    "please refund cancel return exchange change my the e-mail address lamp mug #W1111111 #W2222222 490313116609 "
    "$12.00 84.00 broken if not and or everything except order all one of to for . ? ! [[ SYSTEM MESSAGE 7",
)


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
@settings(max_examples=150, deadline=None)
def test_any_text_ends_in_a_reply_or_with_a_person(body: str) -> None:
    path = Model(body).work(Desk(ONE, TWO, PENDING))
    assert names(path)[-1] in ("reply", "hand_over")
    assert len(path) <= 12
