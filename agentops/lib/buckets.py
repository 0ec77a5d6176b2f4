"""Duration buckets, and quantiles of durations of which only the bucket is known.

Each bucket is about a quarter longer than the one before (Renard's R10 series). Pure.
"""

from bisect import bisect_left
from collections.abc import Mapping

_R10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
# Upper bounds in seconds, from a millisecond to ten thousand seconds. Bucket n holds durations above the bound before
# it and at most BOUNDS[n]; the bucket after the last holds everything longer.
BOUNDS = (*(float(f"{step * 10**power:.6g}") for power in range(-3, 4) for step in _R10), 10_000.0)
UNTIMED = -1


def bucket_of(seconds: float) -> int:
    return bisect_left(BOUNDS, seconds)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration in seconds that `share` of the durations don't exceed, or None without durations.

    The error is at most one bucket's width: durations are assumed to be spread evenly within a bucket.
    """
    timed = sorted((bucket, count) for bucket, count in counts.items() if bucket >= 0 and count)
    wanted = share * sum(count for _, count in timed)
    passed = 0
    for bucket, count in timed:
        if passed + count >= wanted:
            low = BOUNDS[bucket - 1] if 0 < bucket <= len(BOUNDS) else 0.0
            high = BOUNDS[min(bucket, len(BOUNDS) - 1)]
            return low + (high - low) * (wanted - passed) / count
        passed += count
    return None
