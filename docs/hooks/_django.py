"""Set up Django before the modules that read its URL table and commands; the name sorts it first among the imports."""

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentops.settings")
os.environ.setdefault("SECRET_KEY", "documentation")
django.setup()
