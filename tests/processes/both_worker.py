"""The queue's cluster with short slices, so that a test sees many of them: `both_worker.py`."""

import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refreshops.settings")
django.setup()

from refreshops.routine import tasks  # noqa: E402
from refreshops.runtime import cluster  # noqa: E402

tasks.SLICE_S = 1.0
tasks.SEAT_LEASE = timedelta(seconds=1)

if __name__ == "__main__":
    cluster.main(os.getppid())
