"""Exports of recorded runs: counts for Prometheus and spans for a collector. Both advance by a watermark, so neither
a crash nor a second process loses or repeats anything."""
