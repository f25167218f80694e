"""A process that has imported what every command imports, and forks one for each command.

fork_server.py SOCKET    listens there; ends when its standard input does

A request is a line of JSON, and so is each answer: {"pid"} at once, {"code"} at the end.
{"run": [script, *words], "out", "err"}    run a script; its output goes to two files
{"serve": SOCKET}    set Django up, and listen there for more requests
{"end": true}      end, when what was begun has
The first two may bring an "environment" and a "folder", and have the server's otherwise.

Nothing that is imported here reads a setting: those come with the environment of each request.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
import threading
from typing import Any, TextIO

Request = dict[str, Any]

EVERYBODYS = (
    "asyncio",
    "cryptography.fernet",
    "csp.constants",
    "django.core.handlers.wsgi",
    "django.core.management",
    "django.core.management.commands.shell",
    "django.core.serializers.json",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.forms",
    "django.template.loader",
    "django.test",
    "django.urls",
    "django.views.generic",
    "idna",
    "import_export.formats.base_formats",
    "openpyxl",
    "psutil",
    "psycopg",
    "refreshops.environment",
    "refreshops.providers.flinks",
    "refreshops.rules",
    "requests",
    "sqlite3",
    "whitenoise.middleware",
    "zoneinfo",
)
# What the pages do not import.
OF_COMMANDS = ("refreshops.routine.engine", "refreshops.routine.foreground")


def serve(path: str) -> Request:
    """Listen at `path`; return, in a child of its own, what was asked of it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            link, _ = listener.accept()
            with link, link.makefile("rw", encoding="utf-8") as lines:
                request: Request = json.loads(lines.readline())
                if "end" in request:
                    break
                if os.fork() == 0:
                    return _begun(request, lines)
            _reap(os.WNOHANG)
    _reap()
    os._exit(0)


def _reap(options: int = 0) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _begun(request: Request, lines: TextIO) -> Request:
    """Fork once more, to tell how it ends; return in the process that is to do it."""
    child = os.fork()
    if child == 0:
        return request
    # Who asked may have lost patience.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"pid": child}), file=lines, flush=True)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"code": code}), file=lines, flush=True)
    os._exit(0)


def put_on(request: Request) -> None:
    """Leave the server's session; take the environment and the folder of a request, if it has."""
    os.setsid()
    if "environment" in request:
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])


def warm_up() -> None:
    """Import the models and the pages, in the environment that is on now."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "refreshops.settings"
    import django
    from django.core.checks import run_checks

    django.setup()
    # Whatever is wrong, the commands find for themselves: this is for what it imports.
    run_checks()
    for name in OF_COMMANDS:
        importlib.import_module(name)


def become(request: Request) -> None:
    """Run the script to its end, with its own output."""
    for name, number in ((os.devnull, 0), (request["out"], 1), (request["err"], 2)):
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.argv = request["run"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    code = _ended()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # To take every module apart, as the end of a process does, costs more than most commands.
    os._exit(code)


def _ended() -> int:
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def main() -> None:
    for name in EVERYBODYS:
        importlib.import_module(name)
    gc.freeze()
    request = serve(sys.argv[1])
    put_on(request)
    while "serve" in request:
        warm_up()
        gc.freeze()
        request = serve(request["serve"])
        put_on(request)
    become(request)


if __name__ == "__main__":
    main()
