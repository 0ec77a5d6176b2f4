"""Makes a history long by copying it within the database, again and again.

Each copy has new numbers and keys and is older by the length of the history, so there is the same amount per day at
any length. Triggers are disabled meanwhile; constraints and indexes are not.
"""

from collections.abc import Iterator

from django.db import connection, models, transaction

from agentops.models import Run, Step
from approvals.models import Action, ApprovalRequest, Attempt, AuditEvent, Decision
from tickets.models import Customer, Message, Ticket

# In the order of their foreign keys.
COPIED: tuple[type[models.Model], ...] = (
    Customer,
    Ticket,
    Message,
    Action,
    Attempt,
    ApprovalRequest,
    Decision,
    Run,
    Step,
    AuditEvent,
)
LONG_TEXT = "left(md5({column} || '{days}'), 14)"
# Unique columns besides the primary keys.
REPLACED = {
    (Customer, "email"): "'{days}.' || email",
    (Ticket, "id"): LONG_TEXT.replace("{column}", "id"),
    (Ticket, "external_id"): "'{days}.' || external_id",
    (Action, "idempotency_key"): LONG_TEXT.replace("{column}", "ticket_id") + " || ':' || kind || ':' || sequence",
    (AuditEvent, "object_id"): "(object_id::bigint + {action})::text",
}


def double(days: int) -> None:
    """Copy everything, `days` older."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off")
        offsets = dict(_offsets())
        for model in COPIED:
            fields = [field for field in model._meta.local_concrete_fields if not field.generated]
            columns = ", ".join(f'"{field.column}"' for field in fields)
            values = ", ".join(_value(model, field, offsets, days) for field in fields)
            table = f'"{model._meta.db_table}"'
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}")
            if model is not Ticket:
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), max(id)) FROM {table}"
                )


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _offsets() -> Iterator[tuple[type[models.Model], int]]:
    for model in COPIED:
        if model is not Ticket:
            yield model, model._default_manager.aggregate(last=models.Max("pk"))["last"] or 0


def _value(
    model: type[models.Model],
    field: models.Field,
    offsets: dict[type[models.Model], int],
    days: int,
) -> str:
    column = f'"{field.column}"'
    if replacement := REPLACED.get((model, field.name)):
        return replacement.format(days=days, action=offsets[Action])
    target = field.related_model if field.is_relation else None
    if target is Ticket:
        return LONG_TEXT.format(column=column, days=days)
    if target in offsets:
        return f"{column} + {offsets[target]}"
    if field.primary_key:
        return f"{column} + {offsets[model]}"
    if (model, field.name) in ((Action, "run_id"), (Run, "through_message")):
        return f"{column} + {offsets[Run if model is Action else Message]}"
    if isinstance(field, models.DateTimeField):
        return f"{column} - interval '{days} days'"
    return column
