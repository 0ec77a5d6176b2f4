"""Celery tasks, and the receivers that send them. A message carries an id and only speeds up what the sweep would do
(docs/design.md, 5.11)."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import transaction
from django.dispatch import receiver
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from agentops.replays import running
from agentops.replays.queueing import replay_queued
from agentops.runs import arrival, engine, leasing
from agentops.runs.signals import run_queued
from agentops.worker import sweep
from approvals.signals import action_settled
from tickets.models import Message
from tickets.signals import message_received

log = logging.getLogger(__name__)
_BROKER_ERRORS = (OperationalError, RedisError, OSError)


@shared_task(name="agentops.tasks.advance")
def advance_run(run_id: int) -> None:
    engine.advance(run_id)


@shared_task(name="agentops.tasks.replay")
def advance_replay_task(replay_id: int) -> None:
    running.advance_replay(replay_id)


@receiver(message_received)
def queue_run_for_message(sender: object, message: Message, first: bool, **_: Any) -> None:
    run = arrival.take_up(message, first=first)
    if run is not None:
        transaction.on_commit(lambda: hurry_run(run.pk), robust=True)


@receiver(action_settled)
def hurry_waiting_runs(sender: object, action_id: int, **_: Any) -> None:
    for run_id in leasing.waiting_on(action_id):
        hurry_run(run_id)


@receiver(run_queued)
def hurry_queued_run(sender: object, run_id: int, **_: Any) -> None:
    hurry_run(run_id)


@receiver(replay_queued)
def hurry_replay(sender: object, replay_id: int, **_: Any) -> None:
    transaction.on_commit(lambda: _send(advance_replay_task, replay_id), robust=True)


def hurry_run(run_id: int) -> None:
    _send(advance_run, run_id)


def _send(task: Any, number: int) -> None:
    try:
        task.delay(number)
    except _BROKER_ERRORS:
        log.warning("no message sent for %s(%s): the broker is down; the sweep will find it", task.name, number)


@worker_ready.connect
def start_sweep(**_: Any) -> None:
    sweep.start_sweeping()


@worker_shutdown.connect
def stop_sweep(**_: Any) -> None:
    sweep.stop_sweeping()
