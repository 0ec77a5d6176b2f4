"""Tickets with expected outcomes, through this system in a world of its own, against a chosen model.

entries     what a set is made of, read and checked
shop        the shop that the tickets are about, and the rules that hold there
models      which model answers: a scripted one, or one of your own
world       the world, started and thrown away; the tickets posted
inside      the process in it that sets the rules and tells what became of each ticket
observed    what became of a ticket
matching    whether what happened is what was expected
scoring     the figures of a run
beyond      money moved beyond the rules, by the payment provider's ledger alone
injections  what instructions hidden in data came to
saved       runs kept, and compared with the last one
table       the figures for people
set         the tickets, the shop and the rules that come with this package
"""
