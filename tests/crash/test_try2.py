import json, time, resource
from tests.crash.cases import *
def test_one(harness, numbers):
    for k in range(3):
        t=time.monotonic(); r0=resource.getrusage(resource.RUSAGE_SELF)
        batch = [numbers.case(SCENARIOS["refund"], FAULTS["none"])]
        jobs = harness._act(batch)
        t1=time.monotonic()
        lines=(harness.folder/f"{list(jobs)[0]}.trace").read_text().splitlines()
        print("act", t1-t, lines[-1])
    batch = [numbers.case(SCENARIOS["refund"], FAULTS["none"]) for _ in range(10)]
    t=time.monotonic()
    p=harness.play(batch); print("play 10", time.monotonic()-t)
