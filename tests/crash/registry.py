"""The list of all boundaries. A boundary missing here fails the run, and so does a listed one that is never passed."""

# Where our code commits.
COMMITS = (
    "agentops.llm.breakers.count_failure",
    "agentops.llm.breakers.reset",
    "agentops.runs.closing.close_ticket",
    "agentops.runs.closing.run_again",
    "agentops.runs.leasing.lease_run",
    "agentops.runs.succession.leave_to",
    "agentops.runs.withdrawing.withdraw_action",
    "agentops.runs.leasing.renew_lease",
    "agentops.runs.leasing.wake_waiting",
    "agentops.runs.engine._propose",
    "agentops.runs.engine._end",
    "agentops.runs.engine._continue",
    "agentops.runs.engine._hold",
    "agentops.runs.engine._try_later",
    "agentops.runs.engine._wait",
    "agentops.llm.pricelist.enter_price",
    "agentops.runs.steps.store_text",
    "agentops.telemetry.tallies._count_period",
    "agentops.telemetry.tallies.roll_up",
    "agentops.worker.deferrals.forget",
    "agentops.worker.deferrals.put_off",
    "approvals.reconciliation.findings.open_finding",
    "approvals.reconciliation.comparison._read",
    "approvals.reconciliation.findings.close_finding",
    "approvals.reconciliation.comparison.compare_records",
    "approvals.reconciliation.comparison.run_periodic_comparison",
    "approvals.decisions.decide._decide",
    "approvals.decisions.expiry.expire",
    "approvals.decisions.decide.reject",
    "approvals.effects.execution._claim",
    "approvals.effects.execution._renew_lease",
    "approvals.effects.execution._settle",
    "approvals.effects.pauses.resume_provider",
    "approvals.effects.proposals.record_proposal",
    "approvals.effects.lookup._ask_later",
    "approvals.effects.lookup._write",
    "approvals.audit.seals.seal_events",
    "approvals.effects.stops.resume_stopped",
    "approvals.effects.stops.stop_kind",
    "approvals.reconciliation.by_hand.resolve_by_hand",
    "approvals.reconciliation.webhooks.receive_stripe",
    "tickets.intake.receive_message",
    "tickets.intake.receive_ticket",
)
# Where it makes HTTP calls, and to which endpoint.
EXCHANGES = (
    "agentops.runs.engine._propose GET /customers/{id}",
    "agentops.runs.engine._propose GET /orders",
    "agentops.runs.engine._propose GET /orders/{id}",
    "agentops.runs.steps._ask POST /v1/chat/completions",
    "agentops.runs.steps.do_read GET /customers/{id}",
    "agentops.runs.steps.do_read GET /orders",
    "agentops.runs.steps.do_read GET /orders/{id}",
    "approvals.reconciliation.comparison._read GET /refunds",
    "approvals.decisions.decide._decide GET /customers/{id}",
    "approvals.decisions.decide._decide GET /orders",
    "approvals.decisions.decide._decide GET /orders/{id}",
    "approvals.effects.snapshots._changes GET /customers/{id}",
    "approvals.effects.snapshots._changes GET /orders",
    "approvals.effects.snapshots._changes GET /orders/{id}",
    "approvals.effects.execution._send PATCH /customers/{id}",
    "approvals.effects.execution._send POST /orders/{id}/cancel",
    "approvals.effects.execution._send POST /refunds",
    "approvals.effects.execution._send POST /replies",
    "approvals.effects.lookup.find_effect GET /customers/{id}",
    "approvals.effects.lookup.find_effect GET /orders/{id}",
    "approvals.effects.lookup.find_effect GET /refunds",
)
REGISTERED = frozenset(
    f"{place} {side}"
    for place in (*(f"{place} commit" for place in COMMITS), *EXCHANGES)
    for side in ("before", "after")
)
# Not part of the application: a schedule moves a request's deadline forward, so that it expires.
OUTSIDE = frozenset({"outside commit before", "outside commit after"})
# Only a worker's sweep passes these: it dies there too, and is replaced.
SWEEP_ALONE = frozenset(
    f"{place} commit {side}"
    for place in (
        "agentops.telemetry.tallies._count_period",
        "agentops.telemetry.tallies.roll_up",
        "approvals.reconciliation.comparison.run_periodic_comparison",
        "approvals.audit.seals.seal_events",
    )
    for side in ("before", "after")
)
# Only an item that fails in a sweep passes these, and none fails without a fault (tests/integration/test_lines.py).
FAILURES_ALONE = frozenset(
    f"agentops.worker.deferrals.{name} commit {side}" for name in ("forget", "put_off") for side in ("before", "after")
)
# Nothing expires in the enumeration's stories; in random schedules requests do.
SCHEDULES_ALONE = frozenset(f"approvals.decisions.expiry.expire commit {side}" for side in ("before", "after"))
