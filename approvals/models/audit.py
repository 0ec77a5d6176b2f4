"""The audit log, the seals that prove it was not rewritten, and the e-mail alerts about its events."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """Who did what to which object, with the values before and after. Append-only.

    `actor` is a user name, `agent` or `system`.
    """

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


class AuditSeal(models.Model):
    """A link of the audit chain. It covers the events after the previous seal, up to `through_event`.

    `digest` is the SHA-256 (hex) of the previous digest and of each event. A seal is first marked, and sealed (`digest`
    and `events` are filled in) once every transaction that was open at the mark has ended: from then on no event with
    a number up to `through_event` can appear.
    """

    through_event = models.BigIntegerField()
    marked_at = models.DateTimeField(db_default=Now())
    sealed_at = models.DateTimeField(null=True, blank=True)
    events = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["through_event"], name="seal_once"),
            # A constant is unique only once: at most one seal is marked and not yet sealed.
            models.UniqueConstraint(models.Value(1), condition=Q(sealed_at__isnull=True), name="seal_one_marked"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="sealed_for_good", operation=pgtrigger.Update, condition=pgtrigger.Q(old__sealed_at__isnull=False)
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"seal {self.pk} through event {self.through_event}"


class Notification(models.Model):
    """An e-mail alert about an event. `attempts` counts the tries.

    `not_before` is the time of the next try, and also the lease of the worker that is sending it.
    """

    # The events that are e-mailed at once, because money or trust is at risk until a person looks.
    VERBS = (
        "finding.opened",
        "comparison.missing",
        "provider.paused",
        "action.contradicted",
        "action.key_mismatch",
        "effects.stopped",
        "dial.lowered",
        "breaker.opened",
        "work.kept_failing",
    )

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="notification")
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["not_before"], name="notification_due", condition=Q(sent_at__isnull=True))]

    def __str__(self) -> str:
        return f"notification of {self.event_id}"
