"""Work that failed and is put off, so that it doesn't keep the work behind it from its turn."""

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now


class Deferral(models.Model):
    """An item of one of the sweep's lines of work (worker.lines) that failed `failures` times in a row, the last time
    with `error`. The line passes it over until `not_before`. `handed_over_at` is when people were told."""

    line = models.CharField(max_length=30)
    item = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500)
    not_before = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "item"], name="deferral_once_per_item")]

    def __str__(self) -> str:
        return f"{self.line} {self.item}, failed {self.failures} times"

    @classmethod
    def holds(cls, line: str) -> Exists:
        """Return the condition that a row of this line's query is put off."""
        return Exists(cls.objects.filter(line=line, item=OuterRef("pk"), not_before__gt=Now()))
