"""The process of the scripted people: `python -m agentops.lab.chaos.office`.

It prints people.progress() as a JSON line every half second for its parent, and waits for the database when that is
away.
"""

import json
import time

import django

PAUSE_SECONDS = 0.5

django.setup()

from django.db import Error, connection  # noqa: E402 - models need the set-up

from agentops.lab.chaos.people import People, progress  # noqa: E402
from agentops.lab.demo_policy import make_policy  # noqa: E402
from agentops.lab.people import GROUPS, make_people  # noqa: E402


def main() -> None:
    make_people(dict.fromkeys(GROUPS))  # nobody signs in here: no passwords
    make_policy(by="admin")
    people = People()
    while True:
        try:
            people.decide()
            print(json.dumps(progress()), flush=True)
        except Error as away:
            print(f"the database is unavailable: {away}", flush=True)
        finally:
            connection.close()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
