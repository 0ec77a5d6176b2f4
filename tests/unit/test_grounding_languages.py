"""Claims and honest sentences in the most common words of each language that the word lists cover."""

import pytest

from agentops.lib.money import Money
from approvals.grounding.check import SucceededEffect, claim_for, find_ungrounded

PART = SucceededEffect("refund", "#W4107311", Money(1450, "EUR"), "t1:refund:1", captured=3000)

UNTRUE = [
    # English
    "The full price was returned to you.",
    "We returned the full price to you.",
    "We have returned what you paid.",
    "You will receive your purchase price back shortly.",
    "The price of the mug has been returned to your card.",
    "The cost of the mug is back on your card.",
    "We undid the payment.",
    "Your address is now 12 Main Street.",
    "Your new email address is now on file.",
    "I have moved your account to the new email.",
    "It's done, as requested.",
    "I did what you asked.",
    "We processed your request.",
    "Your request has been completed.",
    "The order will not be shipped, I stopped it.",
    "Your order won't be sent anymore.",
    "The order is off.",
    "Order terminated, as you wanted.",
    "You won't be charged for this order.",
    "We have waived the fee for you.",
    "We'll get that money to you.",
    "I've given you a 20 % discount on your next order.",
    "You'll be getting a new one tomorrow.",
    "Everything has been settled on our side.",
    "Your subscription has been updated as you wished.",
    "You have been paid.",
    "We have compensated you.",
    "We've just paid out your claim.",
    "Your claim was approved.",
    "You will see the funds shortly.",
    "You'll see 84 on your statement.",
    "You will have 84 back on your card by Friday.",
    "Your purchase price is being transferred to your bank account.",
    "The charge has been dropped.",
    "I've dispatched another lamp to you.",
    "I dropped the lamp from your order.",
    "Your order will not ship.",
    "The order no longer exists.",
    "Consider it done.",
    "We have accepted your request.",
    "I have changed your password.",
    "We have sent you a new mug.",
    "A new mug is on its way to you.",
    # German
    "Die Rückzahlung ist veranlasst.",
    "Wir haben die Rückzahlung heute ausgeführt.",
    "Ihre Rückzahlung ist unterwegs.",
    "Wir haben die Bestellung rückgängig gemacht.",
    "Ihr Auftrag ist aufgehoben.",
    "Wir haben die Abbuchung zurückgenommen.",
    "Sie erhalten den Kaufpreis in Kürze zurück.",
    "Wir haben Ihre neue Adresse eingetragen.",
    "Ihre neue Anschrift ist hinterlegt.",
    "Wir haben Ihre E-Mail-Adresse umgestellt.",
    "Wir haben alles erledigt.",
    "Wir haben Ihnen eine neue Tasse geschickt.",
    "Wir haben Ihren Wunsch erfüllt.",
    "Das Geld geht heute an Sie raus.",
    "Wir haben den Auftrag zurückgezogen.",
    "Das Paket wird nicht mehr verschickt.",
    "Wir haben das Paket gestoppt.",
    # French
    "Nous avons bien changé votre adresse.",
    "Le nécessaire a été fait.",
    "L'argent est en route vers votre compte.",
    "La somme vous a été restituée.",
    "Nous avons recrédité votre carte.",
    "Nous avons crédité votre compte.",
    "Le virement est parti ce matin.",
    "Nous vous rendons votre argent.",
    "Nous avons changé votre adresse.",
    "Votre adresse a été changée.",
    "C'est fait, comme demandé.",
    "Nous vous avons envoyé une nouvelle tasse.",
    # Spanish
    "Su dinero está en camino.",
    "Su pedido fue anulado.",
    "Hemos anulado su pedido.",
    "Le devolveremos el importe completo.",
    "El cargo ha sido revertido.",
    "Recuperará su dinero.",
    "Recibirá su dinero en unos días.",
    "Hemos parado el envío de su pedido.",
    "Ya le hemos hecho el abono en su tarjeta.",
    "Hemos puesto su nueva dirección.",
    "Le hemos enviado una taza nueva.",
    # Italian
    "Le abbiamo restituito la somma.",
]
# Of 30.00 EUR, 14.50 were returned.
MORE_THAN_THAT = [
    "We refunded 14.50 EUR for #W4107311, and the shipping costs of 4.90 EUR as well.",
    "We refunded 14.50 EUR and also the shipping of 4.90 EUR.",
    "We refunded 14.50 EUR, plus 4.90 EUR shipping.",
    "Wir haben 14,50 EUR erstattet und die Lampe zum Preis von 15,50 EUR ebenso.",
    "We returned the full price to you.",
    "You have your full price back.",
    "We refunded 14.50 EUR. The rest of your money comes next week.",
    "I refunded 14.50 EUR per cable, for all five cables.",
    "I refunded 14.50 EUR for every item.",
    "I refunded sixty-nine to your card.",
    "We refunded the whole thing.",
    "I refunded the order completely.",
    "I refunded 14.50 EUR. Your e-mail is anna@new.example from now on.",
    "Ich habe 14,50 EUR erstattet, den Rest bekommen Sie morgen.",
    "We refunded 14.50 EUR for the mug and will do the same for the notebook.",
    "Wir haben 14,50 EUR erstattet, und machen dasselbe mit der Lampe.",
]
HONEST = [
    "The order was not changed.",
    "Your parcel cannot be stopped any more.",
    "We have stopped selling this mug.",
    "Your order will not be delivered before Monday.",
    "Your order is off the shelf and being packed.",
    "We do not offer a discount on this mug.",
    "The same mug is sold in blue.",
    "The rest of your order follows tomorrow.",
    "The carrier will deliver the rest tomorrow.",
    "Each parcel has its own tracking number.",
    "We cannot compensate you for the delay.",
    "We do not pay out vouchers.",
    "Your claim is being looked at.",
    "You will see the tracking number in your account.",
    "A colleague will get back to you.",
    "You can change your password in your account settings.",
    "We have sent another e-mail with the label.",
    "We have not done what you asked.",
    "Your parcel has not left, it will ship on Monday.",
    "Delivery takes three to ten days.",
    "Der Rest Ihrer Bestellung folgt morgen.",
    "El resto de su pedido llegará mañana.",
    "If you want us to do the same for the lamp, please tell us.",
    "Your refund request has to be checked by a colleague first.",
    "Your refund request was passed to a colleague.",
    "The warranty covers two years.",
    "Die Bestellung wurde bereits versandt und kann nicht mehr storniert werden.",
    "Ihre Bestellung kann leider nicht mehr storniert werden.",
    "Eine Erstattung ist leider nicht möglich.",
    "Es tut uns leid, dass die Tasse kaputt angekommen ist.",
    "Je nach Bank dauert es 3 bis 5 Tage, bis der Betrag sichtbar wird.",
    "La commande ne peut plus être annulée.",
    "Nous n'avons pas encore remboursé votre commande.",
    "Selon votre banque, cela peut prendre 3 à 5 jours.",
    "El pedido ya no se puede cancelar.",
    "No es posible cancelar el pedido.",
    "Puede tardar de 3 a 5 días hábiles.",
    "Un compañero revisará su solicitud de reembolso.",
]


@pytest.mark.parametrize("text", UNTRUE)
def test_claims_of_effects_that_did_not_happen_need_approval(text: str) -> None:
    assert find_ungrounded(text, [], [])


@pytest.mark.parametrize("text", MORE_THAN_THAT)
def test_claims_beyond_what_happened_need_approval(text: str) -> None:
    assert find_ungrounded(text, [claim_for(PART)], [PART])


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_sentence_is_sent(text: str) -> None:
    assert find_ungrounded(text, [], []) == []


@pytest.mark.parametrize(
    "text", ["We refunded 14.50 EUR. The total was 30.00 EUR.", "We refunded 14.50 EUR; the price was 30.00 EUR."]
)
def test_a_total_next_to_a_refund_is_not_added(text: str) -> None:
    assert find_ungrounded(text, [claim_for(PART)], [PART]) == []
