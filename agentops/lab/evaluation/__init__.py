"""Runs tickets with expected outcomes through this system in a separate world, against a chosen model.

entries     the entries of a set, read and checked
shop        the shop that the tickets are about, and its rules
models      the model that answers: a scripted one, or a real one
world       the world, started and discarded; the tickets posted
inside      the process inside it that sets the rules and reports each ticket's outcome
observed    the outcome of a ticket
matching    comparison of an action with an expectation
scoring     the figures of a run
beyond      money moved beyond the rules, according to the payment provider's ledger alone
injections  the outcome of instructions hidden in data
saved       saved runs, and the comparison with the previous one
table       the figures for people
set         the bundled tickets, shop and rules
"""
