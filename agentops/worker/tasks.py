"""Doors for messages, and the receivers that send them. A message carries an id and only hurries what the sweep
would do (docs/design.md, 5.11)."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import transaction
from django.dispatch import receiver
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from agentops.replays import running
from agentops.replays.asking import replay_asked
from agentops.runs import engine, leasing
from agentops.runs.signals import run_queued
from agentops.worker import sweep
from approvals.signals import action_settled
from tickets.models import Message
from tickets.signals import message_received

log = logging.getLogger(__name__)
BROKER_AWAY = (OperationalError, RedisError, OSError)


@shared_task(name="agentops.tasks.advance")
def advance(run_id: int) -> None:
    engine.advance(run_id)


@shared_task(name="agentops.tasks.replay")
def replay(replay_id: int) -> None:
    running.advance(replay_id)


@receiver(message_received)
def queue_run(sender: object, message: Message, **_: Any) -> None:
    run = leasing.queue_run(message)
    transaction.on_commit(lambda: hurry(run.pk), robust=True)


@receiver(action_settled)
def go_on(sender: object, action_id: int, **_: Any) -> None:
    for run_id in leasing.waiting_on(action_id):
        hurry(run_id)


@receiver(run_queued)
def hurry_again(sender: object, run_id: int, **_: Any) -> None:
    hurry(run_id)


@receiver(replay_asked)
def hurry_replay(sender: object, replay_id: int, **_: Any) -> None:
    transaction.on_commit(lambda: _send(replay, replay_id), robust=True)


def hurry(run_id: int) -> None:
    _send(advance, run_id)


def _send(task: Any, number: int) -> None:
    try:
        task.delay(number)
    except BROKER_AWAY:
        log.warning("no message for %s(%s): the broker is away; the sweep will find it", task.name, number)


@worker_ready.connect
def start_sweep(**_: Any) -> None:
    sweep.start()


@worker_shutdown.connect
def stop_sweep(**_: Any) -> None:
    sweep.stop()
