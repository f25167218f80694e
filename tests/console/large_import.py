"""Imports a large file of customers through the pages; prints what it took. In its own process.

Run by test_large_import.py: `python large_import.py FILE`, in the environment of an installation.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refreshops.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from refreshops.logins.models import Customer, Upload  # noqa: E402

ADDRESS = "/logins/customer/"
BATCH = 1000


def peak_mb() -> float:
    """Return the most memory this process ever held."""
    said = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", said)[1]) / 1024


def upload(client: Client, file: Path) -> str:
    """Send the file; return the preview."""
    answer = client.post(
        f"{ADDRESS}import/", {"import_file": SimpleUploadedFile(file.name, file.read_bytes())}
    )
    return answer.content.decode()


def bulk_create(count: int) -> None:
    """Do what an import cannot do without: insert the rows."""
    for start in range(0, count, BATCH):
        Customer.objects.bulk_create(
            Customer(reference=f"RAW-{number:07d}", name=f"Customer name number {number} Ltd.")
            for number in range(start, start + BATCH)
        )


def main(file: Path) -> None:
    call_command("migrate", verbosity=0)
    User.objects.create_user("keeper")
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_user("ops", is_staff=True, is_superuser=True))
    upload(client, file.with_name("small.csv"))
    before_mb, began = peak_mb(), time.perf_counter()
    preview = upload(client, file)
    previewed = time.perf_counter()
    client.post(f"{ADDRESS}process_import/", {"key": str(Upload.objects.get().key)})
    confirmed = time.perf_counter()
    took = {
        "preview": re.search(r"New customers</dt><dd>(\d+)", preview)[1],
        "customers": Customer.objects.count(),
        "preview_s": round(previewed - began, 1),
        "confirm_s": round(confirmed - previewed, 1),
        "extra_mb": round(peak_mb() - before_mb, 1),
    }
    began = time.perf_counter()
    bulk_create(took["customers"])
    took["raw_s"] = round(time.perf_counter() - began, 1)
    print(json.dumps(took))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
