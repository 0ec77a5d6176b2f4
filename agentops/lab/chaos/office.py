"""The process of the scripted people: `python -m agentops.lab.chaos.office`.

It prints people.progress() as a JSON line every half second for its parent, and waits for the database when that is
away.
"""

# ruff: noqa: E402 - models can only be imported after the set-up
import json
import time

import django

PAUSE_SECONDS = 0.5

django.setup()

from django.db import Error, connection

from agentops.lab.chaos.people import People, progress
from agentops.lab.demo_policy import make_policy
from agentops.lab.people import GROUPS, make_people


def main() -> None:
    make_people(dict.fromkeys(GROUPS))  # no passwords, because no one signs in here
    make_policy(by="admin")
    people = People()
    while True:
        try:
            people.decide()
            print(json.dumps(progress()), flush=True)
        except Error as away:
            print(f"the database is unavailable: {away}", flush=True)
        finally:
            connection.close()  # PostgreSQL is killed at random, so a kept connection may be dead
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
