"""The audit chain: events that were changed, removed or inserted later are detected, and late commits are not
missed."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from approvals.audit import events, seals
from approvals.models import AuditEvent, AuditSeal
from tests.services import services
from tests.world import at_once

pytestmark = pytest.mark.usefixtures("live_database")


@pytest.fixture(autouse=True)
def own_chain() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE approvals_auditseal, approvals_auditevent CASCADE")


def happened(verb: str = "ticket.closed") -> AuditEvent:
    events.record_event(actor="lead", verb=verb, object_type="ticket", object_id="T1", before={}, after={"amount": 1})
    return AuditEvent.objects.latest("pk")


def past_the_trigger(statement: str, *values: object) -> None:
    """Disable the trigger, as the owner of the database can."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def seal() -> AuditSeal | None:
    return seals.seal_events(pause=timedelta(0))


def sealed() -> AuditSeal:
    seal()
    made = seal()
    assert made is not None
    return made


def test_every_event_is_sealed_and_the_chain_is_valid() -> None:
    first, second = happened(), happened()
    assert sealed().through_event == second.pk > first.pk
    third = happened()
    assert sealed().through_event == third.pk
    found = seals.verify_chain()
    assert (found.broken, found.events, found.seals) == (None, 3, 2)


def test_without_new_events_no_seal_is_made() -> None:
    happened()
    sealed()
    assert seal() is None
    assert AuditSeal.objects.count() == 1


def test_seals_are_made_at_most_once_per_interval() -> None:
    happened()
    seals.seal_events()
    assert seals.seal_events() is None
    assert not AuditSeal.objects.filter(sealed_at__isnull=False).exists()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE approvals_auditevent SET actor = 'nobody' WHERE id = %s",
        """UPDATE approvals_auditevent SET after = '{"amount": 2}' WHERE id = %s""",
        "UPDATE approvals_auditevent SET at = at - interval '1 day' WHERE id = %s",
        "DELETE FROM approvals_auditevent WHERE id = %s",
    ],
)
def test_a_changed_event_is_detected(tampering: str) -> None:
    happened()
    victim = happened()
    broken = sealed()
    happened()
    sealed()
    past_the_trigger(tampering, victim.pk)
    found = seals.verify_chain()
    assert found.broken == broken


def test_an_event_inserted_later_is_detected() -> None:
    first = happened()
    past_the_trigger("UPDATE approvals_auditevent SET id = %s WHERE id = %s", first.pk + 10, first.pk)
    sealed()
    past_the_trigger(
        "INSERT INTO approvals_auditevent (id, at, actor, verb, object_type, object_id, before, after) "
        "SELECT %s, at, actor, verb, object_type, object_id, before, after FROM approvals_auditevent",
        first.pk,
    )
    assert seals.verify_chain().broken is not None


def test_a_transaction_open_at_the_mark_is_waited_for() -> None:
    """Its event has a lower number than the newest visible one, and is committed later."""
    with psycopg.connect(services().postgres.url(str(connection.settings_dict["NAME"]))) as slow:
        slow.execute(
            "INSERT INTO approvals_auditevent (actor, verb, object_type, object_id, before, after) "
            "VALUES ('slow', 'ticket.closed', 'ticket', 'T1', '{}', '{}')"
        )
        newest = happened()
        seal()
        assert seal() is None
    made = seal()
    assert made is not None
    assert (made.through_event, made.events) == (newest.pk, 2)
    assert seals.verify_chain().broken is None


def test_a_transaction_started_during_the_mark_is_waited_for() -> None:
    with psycopg.connect(services().postgres.url(str(connection.settings_dict["NAME"]))) as slow:
        with transaction.atomic():
            assert seals.newest_seal() is None  # the sealing transaction has started, but has not read anything yet
            slow.execute(
                "INSERT INTO approvals_auditevent (actor, verb, object_type, object_id, before, after) "
                "VALUES ('slow', 'ticket.closed', 'ticket', 'T1', '{}', '{}')"
            )
            at_once(happened)
            seals._mark(0)
        assert seal() is None
    made = seal()
    assert made is not None
    assert (made.events, seals.verify_chain().broken) == (2, None)


def test_a_seal_cannot_be_changed_or_deleted() -> None:
    happened()
    made = sealed()
    with pytest.raises(Exception, match="Cannot update"):
        AuditSeal.objects.filter(pk=made.pk).update(digest="0" * 64)
    with pytest.raises(Exception, match="Cannot delete"):
        AuditSeal.objects.filter(pk=made.pk).delete()


def test_a_limited_verification_reads_only_the_newest_seals() -> None:
    for _ in range(4):
        happened()
        sealed()
    assert seals.verify_chain(most_events=2).seals == 2
    assert seals.verify_chain(most_events=100).seals == 4


def test_the_command_reports_whether_the_chain_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    victim = happened()
    made = sealed()
    call_command("verify_audit", digest=made.digest)
    assert made.digest in capsys.readouterr().out
    with pytest.raises(CommandError, match="no seal in this chain"):
        call_command("verify_audit", digest="0" * 64)
    past_the_trigger("DELETE FROM approvals_auditevent WHERE id = %s", victim.pk)
    with pytest.raises(CommandError, match=f"events 1 to {victim.pk} differ"):
        call_command("verify_audit")


@pytest.fixture
def auditor(client: Client) -> Client:
    user, _ = User.objects.get_or_create(username="seal-auditor")
    user.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("spoil", "said"), [(lambda: None, "Verified: 1 events"), (lambda: happened_to_all(), "Verification failed")]
)
def test_the_page_shows_the_newest_seal_and_verifies_it(auditor: Client, spoil: Callable[[], None], said: str) -> None:
    happened()
    made = sealed()
    assert made.digest[:12] in auditor.get("/audit/").text
    spoil()
    assert said in auditor.post("/audit/verify/", follow=True).text


def happened_to_all() -> None:
    past_the_trigger("UPDATE approvals_auditevent SET verb = 'ticket.opened'")
