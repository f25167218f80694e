"""Keeps SQLite's planner from old beliefs about how large the tables are."""

from django.db import DEFAULT_DB_ALIAS, connections

# Filled by ANALYZE, and then never again by themselves; the second only by some builds of SQLite.
EMPTYING = {
    "sqlite_stat1": "DELETE FROM sqlite_stat1",
    "sqlite_stat4": "DELETE FROM sqlite_stat4",
}


def forget_sizes(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Have SQLite choose indexes by their columns alone; True when it had something to forget.

    Every list has an index made for it, and is measured so. What ANALYZE once counted stands still
    while the tables grow, and a migration leaves it in pieces: decision record 16. PostgreSQL
    counts again by itself.
    """
    connection = connections[using]
    if connection.vendor != "sqlite":
        return False
    forgotten = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'sqlite_stat%%'")
        for (name,) in cursor.fetchall():
            if name in EMPTYING:
                forgotten += cursor.execute(EMPTYING[name]).rowcount
        if forgotten:
            # This connection has read them already; others read them when they are opened.
            cursor.execute("ANALYZE sqlite_master")
    return forgotten > 0
