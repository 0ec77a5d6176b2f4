"""Celery carries ids only; the sweep guarantees progress without it. Every setting was measured (docs/design.md, 9)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")

from django.conf import settings

app = Celery("agentops", broker=settings.BROKER_URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=False,
    task_ignore_result=True,
    task_publish_retry=False,  # a message only hurries: a request must not wait for a broker that is away
    result_backend=None,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
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
