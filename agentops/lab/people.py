"""The people of a demo: one for each thing that a person can be here."""

from collections.abc import Mapping

from django.contrib.auth.models import Group, User

GROUPS = {"lead": "lead", "lead2": "lead", "admin": "admin", "auditor": "auditor"}


def make_people(passwords: Mapping[str, str | None]) -> None:
    """Users by these names, in their groups, with these passwords; those that exist are left as they are."""
    for name, group in GROUPS.items():
        user, created = User.objects.get_or_create(username=name, defaults={"is_staff": group == "admin"})
        if created:
            user.set_password(passwords[name])
            user.save()
        user.groups.add(Group.objects.get(name=group))
