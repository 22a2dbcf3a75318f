"""The control plane's Celery app: cutting, dispatching, and writing down what nodes say."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veloflux_site.settings")

from django.conf import settings

from veloflux_site.measure import watch_tasks
from veloflux_site.workers import PromptCelery

app = PromptCelery("veloflux")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    # Longer than any task here takes; a lost worker's message comes back after it, the sweep comes long before.
    broker_transport_options={
        "visibility_timeout": 300,
        # A Redis that went without a word is noticed, while working and while stopping.
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "socket_keepalive": True,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="control",
    task_routes={
        "balancer.tasks.report": {"queue": "reports"},
        "balancer.tasks.observe": {"queue": "status"},
        "balancer.tasks.keep_lines": {"queue": "logs"},
    },
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=4,
    redbeat_redis_url=settings.REDIS_URL,
    # The lock's name must begin with the prefix, or redbeat puts the prefix before it.
    redbeat_key_prefix="veloflux:",
    redbeat_lock_key="veloflux:leader",
    redbeat_lock_timeout=15,
    beat_max_loop_interval=3,
    beat_schedule={
        "sweep": {"task": "balancer.tasks.sweep", "schedule": 10.0, "options": {"expires": 9}},
        "drains": {"task": "balancer.tasks.go_on_with_drains", "schedule": 2.0, "options": {"expires": 2}},
        "names": {"task": "balancer.tasks.look_up_names", "schedule": 2.0, "options": {"expires": 2}},
        "forget": {"task": "tenants.tasks.forget_old", "schedule": 3600.0, "options": {"expires": 600}},
        "domains": {"task": "balancer.tasks.look_at_domains", "schedule": 600.0, "options": {"expires": 300}},
        "history": {"task": "tenants.tasks.forget_history", "schedule": 3600.0, "options": {"expires": 600}},
        "revisions": {"task": "balancer.tasks.forget_revisions", "schedule": 3600.0, "options": {"expires": 600}},
        "purge": {"task": "tenants.tasks.purge", "schedule": 3600.0, "options": {"expires": 600}},
    },
)
app.autodiscover_tasks(["tenants", "balancer"])
# Celery's "current" app is a thread's own; web requests and worker threads find this one.
app.set_default()
watch_tasks()
