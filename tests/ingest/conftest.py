"""The way in over the shared store, one for each file of tests."""

from collections.abc import Iterator

import pytest

from rollbook.ingest.intake import Intake
from rollbook.store import Store


@pytest.fixture(scope="module")
def intake(store: Store) -> Iterator[Intake]:
    """The way in, closed at the end."""
    opened = Intake(store)
    yield opened
    opened.close()
