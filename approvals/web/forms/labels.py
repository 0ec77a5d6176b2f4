"""Labels for parameters, fields and kinds of action."""

from approvals.kinds import noun

KNOWN = {
    "email": "Email",
    "customer_id": "Customer",
    "address1": "Address",
    "address2": "Address, line 2",
    "zip": "Postcode",
    "order_id": "Order ID",
    "payment_id": "Payment ID",
    "exists": "Exists",
}


def label(name: str) -> str:
    """refund_reason -> Refund reason; address.city -> City."""
    last = name.split(".")[-1]
    return KNOWN.get(last, last.replace("_", " ").capitalize())


def subject_and_verb(kind: str) -> str:
    """Return the subject and verb for all actions of a kind ("Refunds are"), or of every kind ("Everything is")."""
    if not kind:
        return "Everything is"
    name = noun(kind).capitalize()
    return f"{name[:-1]}ies are" if name.endswith("y") else f"{name}s are"
