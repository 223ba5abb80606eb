"""What the tests of governance share: where archives lie."""

from collections.abc import Iterator

import pytest

from rollbook.settings import load
from rollbook.store import Store
from tests.governance.shelves import CALLS_OF_OWNER, Bucket, Folder, Shelf, owner_of
from tests.services import s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[tuple[str, dict[str, str]]]:
    """An S3 of the whole test run: its endpoint, and its owner's key."""
    with s3_server(CALLS_OF_OWNER) as endpoint:
        yield endpoint, owner_of(endpoint)


@pytest.fixture
def bucket(s3: tuple[str, dict[str, str]], store: Store, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, and the environment of somebody who has archives put there."""
    made = Bucket(*s3)
    for name, value in (made.key | {"ROLLBOOK_ARCHIVE": made.address}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update={"archive": load().archive}))
    return made


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """Every test that takes it runs over a folder and over a bucket."""
    if request.param == "folder":
        return Folder()
    found: Bucket = request.getfixturevalue("bucket")
    return found
