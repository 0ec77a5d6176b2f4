"""The Celery app. Messages carry ids only, and the sweep guarantees progress without them.

Every setting was measured (docs/design.md, 9).
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")

from django.conf import settings
from django.core.management.base import BaseCommand, SystemCheckError

app = Celery("agentops", broker=settings.BROKER_URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=False,  # a task that kills its worker would be redelivered and kill the next one
    task_ignore_result=True,
    task_publish_retry=False,  # a message only speeds work up, so a request must not wait for an absent broker
    result_backend=None,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    # Short timeouts: a half-open connection to the broker would otherwise strand messages.
    broker_transport_options={
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "health_check_interval": 5,
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
)
app.autodiscover_tasks()


@worker_init.connect
def refuse_contradictory_settings(**_: Any) -> None:
    """Exit with what is wrong with the settings. Celery itself runs the checks, but ignores what they find."""
    try:
        BaseCommand().check()
    except SystemCheckError as error:
        raise SystemExit(str(error)) from None
