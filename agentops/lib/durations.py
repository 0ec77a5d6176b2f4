"""Durations as text for people."""

# (seconds in one, its name, seconds in one of the next smaller, its name)
_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def format_duration(seconds: float) -> str:
    """Format a duration in at most two units: 0.0032 -> '3 ms', 1.24 -> '1.24 s', 184 -> '3 min 4 s', 93784 -> '1 d 2
    h'."""
    seconds = max(seconds, 0.0)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms" if seconds >= 0.0005 or seconds == 0 else "<1 ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    size, name, smaller, smaller_name = next(row for row in _UNITS if whole >= row[0])
    rest = whole % size // smaller
    return f"{whole // size} {name} {rest} {smaller_name}" if rest else f"{whole // size} {name}"
