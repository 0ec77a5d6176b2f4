from django.apps import AppConfig


class AgentopsConfig(AppConfig):
    name = "agentops"
    default_auto_field = "django.db.models.BigAutoField"

