#!/usr/bin/env python
"""Start any of the project's commands."""

import os
import sys


def main() -> int:
    """Run the command line; say a bad setting in one sentence instead of a stack trace."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refreshops.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        print(f"Cannot start: {wrong}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. What was begun goes on with the next worker or run.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
