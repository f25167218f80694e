"""Open today's run from COUNT threads at one instant; print how many runs there are then."""

import json
import os
import sys
import threading

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"
django.setup()

from django.db import connection  # noqa: E402

from refreshops import wiring  # noqa: E402
from refreshops.routine.models import Run  # noqa: E402
from refreshops.routine.opening import open_daily  # noqa: E402

count = int(sys.argv[1])
barrier = threading.Barrier(count)
opened: list[bool] = []
row = wiring.provider_row("flinks")


def open_it() -> None:
    now = wiring.clock()
    connection.ensure_connection()
    barrier.wait()
    _, was_opened = open_daily(
        provider=row, local_date=wiring.local_date(now), now=now, window=wiring.window()
    )
    opened.append(was_opened)
    connection.close()


threads = [threading.Thread(target=open_it) for _ in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(
    json.dumps({"runs": Run.objects.count(), "opened": sum(opened), "joined": opened.count(False)})
)
