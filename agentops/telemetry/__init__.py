"""What other tools see of the runs: counts for Prometheus and spans for a collector, both made from what was recorded
and up to a watermark, so that neither a crash nor a second process loses or repeats anything."""
