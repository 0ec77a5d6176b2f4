"""Runs the same tickets with the same faults through a naive loop and through this system; and the long soak.

faults    faults of the outside world
outside   the simulated outside world and its records, the oracle
naive     the naive loop in its own world
ours      this system in its own world: servers, workers, web, people
kills     the schedule of kills
people    the scripted people who decide waiting requests (a process of their own: office)
posting   tickets posted as a help desk does
figures   the result according to the records
proxy     a lossy network (soak)
table     the figures for people
"""
