"""What can go wrong when servers are started here."""


class LocalError(Exception):
    """Its text is one line for the person who typed the command: what is wrong and what to do."""
