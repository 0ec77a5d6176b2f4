"""Short, copyable, time-ordered identifiers for things that outside systems refer to."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id() -> str:
    """Return 14 characters: 7 for the second (sortable for a thousand years) and 7 random ones.

    The random part matters because providers keep our references forever: after a database restore, new effects must
    not reuse old keys.
    """
    return _encode(int(time.time()), 7) + _encode(secrets.randbits(35), 7)


def _encode(number: int, width: int) -> str:
    return "".join(_ALPHABET[number >> 5 * position & 31] for position in reversed(range(width)))
