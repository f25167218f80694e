"""Measures the routine beside a plain loop, in one run: `python -m bench`. Writes nothing."""
