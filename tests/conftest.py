"""What all tests share: one embedded engine for a whole run (of each worker), a fresh tenant for each test."""

import itertools
import os
from collections.abc import Iterator

import pytest

from rollbook.settings import Settings, load
from rollbook.store import Store

# most tests are not about access; those that are say so in their settings
os.environ.setdefault("ROLLBOOK_AUTH", "none")

_tenants = itertools.count()

# what deletes from the shared store's tables waits for every part of them to be looked through: the fewer, the better
REWRITING = ("governance/pseudonyms/", "governance/rights/", "governance/test_lifecycle")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what rewrites tables, while there is little in them; then what takes long, lest it be left last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not any(name in item.nodeid for name in REWRITING), item.path not in slow))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the shared store: a folder of its own, days rolled only when a test says so."""
    return load(data=tmp_path_factory.mktemp("rollbook"), roll_quiet_seconds=10**9)


@pytest.fixture(scope="session")
def store(settings: Settings) -> Iterator[Store]:
    """The one store of this process."""
    with Store(settings) as opened:
        yield opened


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"tenant-{next(_tenants)}"
