"""Archives in a bucket: set up from the environment alone; what refuses or breaks names its setting and loses nothing.

(What a folder and a bucket have in common is in `test_lifecycle.py`.)
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rollbook.analyses.ask import ask
from rollbook.analyses.totals import Totals
from rollbook.errors import Invalid, NotFound, Unavailable
from rollbook.governance.lifecycle import archives
from rollbook.governance.lifecycle.storage import CHUNK, Storage
from rollbook.store import Store
from tests.cli.terminal import rollbook
from tests.governance.lifetimes import aged, expire, raw, restore, told
from tests.governance.shelves import NEEDED, Bucket, Shelf, rows_of
from tests.processes import run, started
from tests.services import free_port

pytestmark = pytest.mark.slow

OLD = """
    import sys
    from pathlib import Path
    from rollbook.settings import load
    from rollbook.store import Store
    from tests.governance.lifetimes import aged, told

    with Store(load(data=Path(sys.argv[1]))) as store:
        told(store, "default", [aged("view", "ada", id="a"), aged("quiz", "bob", "2026-03-03T10:00", id="b")])
"""
PUT = """
    import sys
    from pathlib import Path
    from rollbook.governance.lifecycle.storage import Storage
    from rollbook.settings import load

    Storage(load()).put(Path(sys.argv[1]), "events.parquet")
"""
# what people get wrong, and how S3 says so
MISTAKES = {
    "secret": "SIGNATURE_DOES_NOT_MATCH",
    "key": "INVALID_ACCESS_KEY_ID",
    "endpoint": "NETWORK_CONNECTION",
    "bucket": "NO_SUCH_BUCKET",
    "rights": "ACCESS_DENIED",
}
# a file that opens and cannot be read, for nothing of a process lies at address 0
UNREADABLE = Path("/proc/self/mem")


def test_by_hand_days_go_into_a_bucket_and_come_back(bucket: Bucket, tmp_path: Path) -> None:
    run(OLD, tmp_path)
    data = ("--data", tmp_path)
    gone = rollbook("lifecycle", "run", "--json", *data)
    assert (gone.returncode, gone.stderr) == (0, "")
    assert [(one["events"], one["failed"]) for one in json.loads(gone.stdout)] == [(2, "")]
    (archive,) = json.loads(rollbook("archive", "list", "--json", *data).stdout)
    assert (archive["state"], archive["rows"]) == ("kept", 2)
    assert archive["place"].startswith(f"s3://{bucket.name}/school/tenant=default/month=2026-03/")
    assert sorted(row["id"] for row in rows_of(bucket, archive["place"])) == ["a", "b"]
    assert not (tmp_path / "archive").exists()
    asked = ("ask", "totals", "--as-of", "2026-03-31T00:00:00Z", "--json", *data)
    counted = json.loads(rollbook(*asked).stdout)["rows"]
    back = rollbook("archive", "restore", *data)
    assert (back.stdout, back.stderr) == ("2 of 2 archived events of 2 days restored into default\n", "")
    assert json.loads(rollbook(*asked).stdout)["rows"] == counted
    assert rollbook("verify", *data).returncode == 0


def test_an_endpoint_may_come_from_the_environment_too(
    bucket: Bucket, store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(store, tenant, [aged("view")])
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    at(store, f"s3://{bucket.name}", monkeypatch)
    assert expire(store, tenant) is not None
    (archive,) = archives.listed(store, tenant)
    assert archive.place.startswith(f"s3://{bucket.name}/tenant=")
    assert len(rows_of(bucket, archive.place)) == 1


@pytest.mark.parametrize("called", ["Schule Süd/1", "..", "a+b&c=d?e#f%20", "学校" * 30])
def test_a_tenant_may_be_called_anything(bucket: Bucket, store: Store, tenant: str, called: str) -> None:
    named = f"{called} {tenant}" if called != ".." else f"../{tenant}"
    told(store, named, [aged("view"), aged("view", "bob")])
    expire(store, named)
    (archive,) = archives.listed(store, named)
    assert len(rows_of(bucket, archive.place)) == 2
    assert restore(store, named).events == 2


def test_an_archive_that_expires_leaves_no_object_of_its_own(bucket: Bucket, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view")])
    expire(store, tenant)
    (archive,) = archives.listed(store, tenant)
    assert any(archive.id in name for name in bucket.all())
    expire(store, tenant, archive_days=399)
    assert [name for name in bucket.all() if archive.id in name] == []


def test_an_object_that_is_gone_is_named(bucket: Bucket, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view")])
    expire(store, tenant)
    (archive,) = archives.listed(store, tenant)
    bucket.delete(archive.place, "events-00000.parquet")
    with pytest.raises(Invalid, match=f"{archive.place}/events-00000.parquet is missing"):
        restore(store, tenant)
    assert (raw(store, tenant), counted(store, tenant)) == (0, 1)


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_named_with_its_settings_and_loses_nothing(
    bucket: Bucket, store: Store, tenant: str, what: str
) -> None:
    told(store, tenant, [aged("view"), aged("view", "bob")])
    with mistaken(what, bucket, store), pytest.raises(Unavailable, match=f"ROLLBOOK_ARCHIVE.*({MISTAKES[what]})"):
        expire(store, tenant)
    assert (raw(store, tenant), counted(store, tenant), kept(store, tenant)) == (2, 2, 0)
    assert expire(store, tenant) is not None
    with mistaken(what, bucket, store), pytest.raises((Unavailable, Invalid), match=bucket.name):
        restore(store, tenant)
    assert (raw(store, tenant), counted(store, tenant), kept(store, tenant)) == (0, 2, 1)
    assert restore(store, tenant).events == 2
    assert (raw(store, tenant), counted(store, tenant)) == (2, 2)


def test_by_hand_what_failed_is_said_and_the_exit_code_is_not_0(bucket: Bucket, tmp_path: Path) -> None:
    run(OLD, tmp_path)
    failed = rollbook("lifecycle", "run", "--json", "--data", tmp_path, AWS_SECRET_ACCESS_KEY="wrong")
    assert failed.returncode == 1
    assert "default: archive s3://" in failed.stderr
    assert "(see ROLLBOOK_ARCHIVE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)" in failed.stderr
    (gone,) = json.loads(failed.stdout)
    assert (gone["events"], gone["days"]) == (0, [])
    assert gone["failed"].startswith("archive s3://")
    assert bucket.all() == []


@pytest.mark.parametrize(
    "address", ["s3://", "s3:///prefix", "s3://bucket?endpoint=https://here", "s3://key:se cret@bucket", "gs://bucket"]
)
def test_an_address_that_cannot_be_right_is_refused_without_telling_its_secret(store: Store, address: str) -> None:
    with pytest.raises(Invalid, match="ROLLBOOK_ARCHIVE must be a folder, or s3://") as refused:
        Storage(store.settings.model_copy(update={"archive": address}))
    assert "se cret" not in refused.value.detail


def test_events_without_their_manifest_are_no_archive(bucket: Bucket, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view"), aged("view", "bob")])
    bucket.may(*NEEDED, not_on="*manifest.json")
    with pytest.raises(Unavailable, match=r"manifest\.json cannot be written"):
        expire(store, tenant)
    assert [name for name in bucket.all() if name.endswith(".parquet")]
    assert (raw(store, tenant), counted(store, tenant), kept(store, tenant)) == (2, 2, 0)
    with pytest.raises(NotFound, match="no archived days"):
        restore(store, tenant)
    assert [name for name in bucket.all() if not name.endswith("/")] == []
    bucket.may(*NEEDED)
    assert expire(store, tenant) is not None
    (archive,) = archives.listed(store, tenant)
    assert (archive.state, len(rows_of(bucket, archive.place))) == ("kept", 2)


def test_an_upload_that_is_killed_leaves_no_object(bucket: Bucket, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    os.mkfifo(draft)
    with started(PUT, draft) as process, draft.open("wb", buffering=0) as source:
        # several parts of an upload, so that the first of them is there
        source.write(b"x" * (4 * CHUNK))
        process.kill()
    assert bucket.begun() == ["school/events.parquet"]
    assert bucket.all() == []


def test_a_draft_that_cannot_be_read_leaves_what_is_there(
    shelf: Shelf, store: Store, tenant: str, tmp_path: Path
) -> None:
    storage, draft = Storage(store.settings), tmp_path / "draft"
    draft.write_text("the manifest of before")
    storage.put(draft, f"{tenant}/manifest.json")
    with pytest.raises(Unavailable, match=r"manifest\.json cannot be written"):
        storage.put(UNREADABLE, f"{tenant}/manifest.json")
    assert shelf.read(storage.place(tenant), "manifest.json") == draft.read_bytes()


@contextmanager
def mistaken(what: str, bucket: Bucket, store: Store) -> Iterator[None]:
    """While somebody has made one of the mistakes that people make."""
    with pytest.MonkeyPatch.context() as wrong:
        if what == "secret":
            wrong.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        elif what == "key":
            wrong.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
        elif what == "endpoint":
            at(store, bucket.address.replace(bucket.endpoint, f"http://127.0.0.1:{free_port()}"), wrong)
        elif what == "bucket":
            at(store, bucket.address.replace(bucket.name, f"{bucket.name}-not"), wrong)
        else:
            bucket.may("s3:ListBucket")
        yield
    bucket.may(*NEEDED)


def at(store: Store, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set where archives lie."""
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update={"archive": address}))


def counted(store: Store, tenant: str) -> int:
    """How many events all questions count, whether these are there or not."""
    return ask(store, Totals(), tenant).rows[0].events


def kept(store: Store, tenant: str) -> int:
    """How many archives are whole."""
    return sum(archive.state == "kept" for archive in archives.listed(store, tenant))
