"""Short, copyable, time-ordered identifiers for what is named outside this system."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id() -> str:
    """14 characters: 7 of the second (sorted by time for a thousand years), 7 random.

    Random, because a provider keeps our references for good: a restored database must not name new
    effects with old keys."""
    return _encode(int(time.time()), 7) + _encode(secrets.randbits(35), 7)


def _encode(number: int, width: int) -> str:
    return "".join(_ALPHABET[number >> 5 * position & 31] for position in reversed(range(width)))
