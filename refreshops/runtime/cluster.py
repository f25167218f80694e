"""`python -m refreshops.runtime.cluster PARENT`: django-q2's cluster on the supervisor's leash.

The same as `manage.py qcluster`, but no process of it outlives the one that made it, each worker
shows whether it is busy, and SIGUSR1 asks the running slices to end soon.
"""

import os
import signal
import sys
from collections.abc import Callable

from refreshops.routine.stopping import ask_to_stop
from refreshops.runtime import processes

BUSY = "refreshops-busy"
IDLE = "refreshops-idle"
ACKS = "refreshops-acks"


def main(parent: int) -> None:
    """Run the cluster until SIGTERM; `parent` is the supervisor's process id."""
    processes.die_with_parent(parent=parent)
    signal.signal(signal.SIGUSR1, ask_to_stop)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refreshops.settings")

    import django

    django.setup()
    processes.tie_forks_to_parent()
    _show_business()

    from django_q.cluster import Cluster

    Cluster().start()


def _show_business() -> None:
    from django_q.signals import (
        post_execute,
        post_execute_in_worker,
        post_spawn,
        pre_execute,
    )

    def name_as(name: str) -> Callable[..., None]:
        return lambda **_: processes.set_name(name)

    # weak=False: nothing else holds these functions.
    post_spawn.connect(name_as(IDLE), weak=False)
    pre_execute.connect(name_as(BUSY), weak=False)
    post_execute_in_worker.connect(name_as(IDLE), weak=False)
    # Sent by the monitor, which takes finished tasks out of the queue.
    post_execute.connect(name_as(ACKS), weak=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
