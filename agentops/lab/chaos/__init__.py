"""The same tickets under the same faults, through a naive loop and through this system; and the long soak.

faults    what goes wrong out there
outside   the simulated world, and its books: the oracle
naive     the naive loop on a world of its own
ours      this system on a world of its own: servers, workers, web, people
kills     who is killed when
people    the scripted person who decides what waits (a process of its own)
figures   what the books say in the end
proxy     a network that loses things (soak)
table     the figures for people
"""
