"""`python -m bench.visitor --database URL`: asks for pages in this process, as it is told.

Reads a JSON object a line: {"visit": who and name, "times": n} answers with milliseconds each;
{"look": ...} with the number of queries and what the database alone needs for them; {"pages": who}
with the pages there are. For the command `python -m bench pages`.
"""

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from statistics import median
from typing import Any

from bench.register import set_up

REPLAYS = 5


class Visitor:
    """Everybody who visits, each with a session, and what they asked for."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, str], Any] = {}
        self._clients: dict[str, Any] = {}

    def pages(self, who: str) -> list[dict[str, Any]]:
        """Return the pages of a person."""
        from bench.page_list import pages, signed_in

        self._clients[who] = signed_in(who)
        found = pages(who)
        self._pages |= {(who, page.name): page for page in found}
        return [asdict(page) for page in found]

    def visit(self, who: str, name: str, times: int) -> dict[str, Any]:
        """Ask so often; return milliseconds each."""
        spent = []
        for _ in range(times):
            begun = time.perf_counter()
            self._ask(who, name)
            spent.append((time.perf_counter() - begun) * 1000)
        return {"ms": spent}

    def look(self, who: str, name: str) -> dict[str, Any]:
        """Ask once and ask the database the same questions again, to the last row."""
        from django.db import connection

        asked: list[tuple[str, Any]] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            asked.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            answer = self._ask(who, name)
        questions = [(sql, params, _replayed(sql, params)) for sql, params in asked]
        slowest = max(questions, key=lambda row: row[2], default=("", None, 0.0))
        return {
            "queries": len(asked),
            "db_ms": sum(ms for _, _, ms in questions),
            "slowest_ms": slowest[2],
            "slowest": _written(slowest[0], slowest[1]),
            "kb": len(answer.content) // 1024,
            "questions": [[round(ms, 2), _written(sql, params)] for sql, params, ms in questions],
        }

    def stock(self, who: str, query: str, times: int) -> dict[str, Any]:
        """Ask the stock admin for its list of calls so often; return milliseconds each."""
        from bench import page_list, stock

        spent = []
        with stock.served():
            person = page_list.known(who)
            person.is_superuser = True
            person.save(update_fields=["is_superuser"])
            try:
                for _ in range(times):
                    begun = time.perf_counter()
                    answer = self._clients[who].get(f"{stock.PAGE}{query}")
                    spent.append((time.perf_counter() - begun) * 1000)
                    assert answer.status_code == 200, answer.status_code
            finally:
                person.is_superuser = False
                person.save(update_fields=["is_superuser"])
        return {"ms": spent}

    def address(self, who: str, name: str) -> dict[str, str]:
        """Return the path of a page."""
        return {"path": self._pages[who, name].path}

    def _ask(self, who: str, name: str) -> Any:
        answer = self._clients[who].get(self._pages[who, name].path)
        if answer.status_code != 200:
            raise RuntimeError(f"{self._pages[who, name].path} answered {answer.status_code}")
        return answer


def _replayed(sql: str, params: Any) -> float:
    """Return the milliseconds a question takes; 0 for what writes."""
    from django.db import connection

    if not sql.lstrip("( \n").upper().startswith(("SELECT", "WITH")):
        return 0.0
    spent = []
    for _ in range(REPLAYS):
        with connection.cursor() as cursor:
            begun = time.perf_counter()
            cursor.execute(sql, params)
            cursor.fetchall()
            spent.append((time.perf_counter() - begun) * 1000)
    return median(spent)


def _written(sql: str, params: Any) -> str:
    return f"{sql} -- {params!r}"[:4000]


def main() -> None:
    parser = ArgumentParser(prog="python -m bench.visitor", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL", help="as DATABASE_URL")
    set_up(parser.parse_args().database)
    visitor = Visitor()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        what: Any = getattr(visitor, asked.pop("do"))
        try:
            answer = what(**asked)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
