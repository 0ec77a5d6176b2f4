"""The users of a demo, one or more for each role."""

from collections.abc import Mapping

from django.contrib.auth.models import Group, User

GROUPS = {"lead": "lead", "lead2": "lead", "admin": "admin", "auditor": "auditor"}


def make_people(passwords: Mapping[str, str | None]) -> None:
    """Create users with these names and passwords in their groups. Existing ones keep their passwords."""
    for name, group in GROUPS.items():
        user, created = User.objects.get_or_create(username=name, defaults={"is_staff": group == "admin"})
        if created:
            user.set_password(passwords[name])
            user.save()
        user.groups.add(Group.objects.get(name=group))
