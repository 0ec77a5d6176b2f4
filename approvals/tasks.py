"""Celery tasks and the signal handlers that queue them. A message carries an id and only speeds up work that the sweep
would do anyway (docs/design.md, 5.11)."""

import logging
from typing import Any

from celery import shared_task
from django.dispatch import receiver
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from approvals import signals
from approvals.effects import execution, lookup
from approvals.reconciliation import comparison

log = logging.getLogger(__name__)
BROKER_AWAY = (OperationalError, RedisError, OSError)


@shared_task(name="approvals.tasks.execute")
def execute_action(action_id: int) -> None:
    execution.execute(action_id)


@shared_task(name="approvals.tasks.settle")
def settle_action(action_id: int) -> None:
    lookup.settle_by_lookup(action_id)


@shared_task(name="approvals.tasks.compare")
def compare_records_now(comparison_id: int) -> None:
    comparison.run_comparison(comparison_id)


@receiver(signals.action_approved)
def queue_execution(sender: object, action_id: int, **_: Any) -> None:
    try:
        execute_action.delay(action_id)
    except BROKER_AWAY:
        log.warning("broker unavailable: action %s was not queued; the sweep will find it", action_id)


@receiver(signals.comparison_asked)
def queue_comparison(sender: object, comparison_id: int, **_: Any) -> None:
    try:
        compare_records_now.delay(comparison_id)
    except BROKER_AWAY:
        log.warning("broker unavailable: comparison %s was not queued; the hourly one will run", comparison_id)
