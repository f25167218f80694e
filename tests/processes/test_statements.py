"""Statements made once store the same as the ORM, on both databases."""

import json
from collections.abc import Callable

import pytest

from tests.installation import ROOT, Installation

pytestmark = pytest.mark.processes


def test_every_kind_of_field_is_stored_and_read_as_by_the_orm(
    database: str, install: Callable[..., Installation]
) -> None:
    place = install(database)

    done = place.manage(str(ROOT / "tests" / "tracing" / "stored_alike.py"))

    assert json.loads(done.stdout) == []
