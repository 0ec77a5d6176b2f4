"""Errors of servers started here."""


class LocalError(Exception):
    """Its text is one line for the person who ran the command: what is wrong and what to do."""
