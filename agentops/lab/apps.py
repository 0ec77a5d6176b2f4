from django.apps import AppConfig


class LabConfig(AppConfig):
    """What ships with the product and is not on its money path. An installation may leave the folder out."""

    name = "agentops.lab"
    label = "lab"
