"""Labels for the names of parameters and fields."""

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
