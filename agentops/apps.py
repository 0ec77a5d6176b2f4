from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from agentops.lib import calls


class AgentopsConfig(AppConfig):
    name = "agentops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(import_module("agentops.roles").make_groups, sender=self)
        post_migrate.connect(import_module("agentops.llm.pricelist").save_initial_prices, sender=self)
        calls.before_each(import_module("agentops.database").give_back_connections)
        # Importing these registers the Celery app, checks, tasks and receivers. They need the models to be loaded.
        for module in ("agentops.celery", "agentops.checks", "agentops.worker.tasks", "approvals.tasks"):
            import_module(module)
