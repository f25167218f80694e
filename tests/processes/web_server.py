"""Serve the pages as gunicorn does in production: web_server.py PORT."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"

from gunicorn.app.wsgiapp import run  # noqa: E402

sys.argv = [
    "gunicorn",
    "refreshops.wsgi",
    *("--bind", f"127.0.0.1:{sys.argv[1]}"),
    *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
    *("--no-control-socket", "--log-level", "warning"),
]
run()
