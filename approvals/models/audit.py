"""Who did what."""

import pgtrigger
from django.db import models
from django.db.models import F
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """Append-only: who did what to which object, before and after. `actor` is a user name, `agent` or `system`."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=60)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("object_type"), F("object_id"), F("id").desc(), name="audit_by_object"),
            models.Index(F("actor"), F("id").desc(), name="audit_by_actor"),
            models.Index(F("verb"), F("id").desc(), name="audit_by_verb"),
            models.Index(F("at").desc(), F("id").desc(), name="audit_by_time"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"
