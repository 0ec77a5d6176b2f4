"""What the names of parameters and fields are called in front of people."""

KNOWN = {
    "email": "Email",
    "customer_id": "Customer",
    "address1": "Address",
    "address2": "Address, line 2",
    "zip": "Postcode",
    "exists": "Exists",
}


def label(name: str) -> str:
    """order_id -> Order id; of a part, like address.city, the part."""
    last = name.split(".")[-1]
    return KNOWN.get(last, last.replace("_", " ").capitalize())
