from django.apps import AppConfig


class LabConfig(AppConfig):
    """The simulator, chaos, evaluation and local servers. They ship with the product but aren't on its money path;
    an installation may leave this folder out."""

    name = "agentops.lab"
    label = "lab"
