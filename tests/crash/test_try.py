import json, time
from collections import Counter
from tests.crash.cases import *
def test_dry(harness, numbers):
    t=time.monotonic()
    batch = [numbers.case(s, f) for s in SCENARIOS.values() for f in FAULTS.values()]
    p = harness.play(batch)
    print(p.seconds, p.unfinished, dict(p.troubles))
    names = Counter()
    for c in batch:
        names.update(p.passed[c.name])
        print(c, len(p.passed[c.name]), len(set(p.passed[c.name])))
    names.update({n+" (sweep)":v for n,v in Counter(p.passed[""]).items()})
    for n in sorted(names): print(names[n], n)
    __import__("pathlib").Path("/tmp/passed.json").write_text(json.dumps({str(c): p.passed[c.name] for c in batch}))
