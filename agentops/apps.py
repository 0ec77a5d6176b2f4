from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AgentopsConfig(AppConfig):
    name = "agentops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(import_module("agentops.roles").make_groups, sender=self)
        # Receivers are connected by import, once the models are loaded.
        import_module("agentops.tasks")
        import_module("approvals.tasks")
