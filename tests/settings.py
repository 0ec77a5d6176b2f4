"""agentops.settings in the tests' environment (services.py sets it before they are read)."""

from tests import services

services.export_environment()

from agentops.settings import *  # noqa: E402, F403 - all of them, after the environment is set
