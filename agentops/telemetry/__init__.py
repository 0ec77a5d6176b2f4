"""Exports of recorded runs: counts for Prometheus and spans for a collector.

Each has a watermark in the database, so a crash or a second process neither loses nor repeats anything.
"""
