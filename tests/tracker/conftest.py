"""An open Rollbook, as far as trackers and buses need one, over the shared store."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rollbook.ingest.intake import Intake
from rollbook.store import Store


@dataclass(eq=False)
class Opened:
    """A store that is open already, and its way in."""

    store: Store
    intake: Intake


@pytest.fixture(scope="module")
def book(store: Store) -> Iterator[Opened]:
    """Open, and closed at the end."""
    intake = Intake(store)
    yield Opened(store, intake)
    intake.close()
