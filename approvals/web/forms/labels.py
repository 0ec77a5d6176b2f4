"""Labels for the names of parameters and fields."""

KNOWN = {
    "email": "Email",
    "customer_id": "Customer",
    "address1": "Address",
    "address2": "Address, line 2",
    "zip": "Postcode",
    "exists": "Exists",
}


def label(name: str) -> str:
    """order_id -> Order id; address.city -> City."""
    last = name.split(".")[-1]
    return KNOWN.get(last, last.replace("_", " ").capitalize())
