"""Foreign keys point down only: tickets <- approvals <- agentops."""

import pytest
from django.apps import apps
from django.db.models import ForeignObject, Model

FLOOR = {"tickets": 2, "approvals": 3, "agentops": 4}
MODELS = [model for label in FLOOR for model in apps.get_app_config(label).get_models()]


def test_every_package_has_models() -> None:
    assert {model._meta.app_label for model in MODELS} == set(FLOOR)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_models_foreign_keys_point_down(model: type[Model]) -> None:
    own = FLOOR[model._meta.app_label]
    fields = [field for field in model._meta.get_fields() if isinstance(field, ForeignObject)]
    targets = {field.name: field.related_model._meta.app_label for field in fields}
    # All packages may refer to Django's own tables (users, permissions).
    upward = {name: label for name, label in targets.items() if FLOOR.get(label, 0) > own}
    assert upward == {}
