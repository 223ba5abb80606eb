"""The data folder: one process at a time, and who it is."""

import json
from pathlib import Path

import pytest

from rollbook.errors import Conflict, Invalid
from rollbook.store.folder import Folder, announced
from tests.processes import started

HOLD = """
    import sys
    from pathlib import Path
    from rollbook.store.folder import Folder
    folder = Folder(Path(sys.argv[1]))
    folder.hold()
    for address in sys.argv[2:]:
        folder.announce(address)
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_is_told_who_holds_the_folder_and_where_it_answers(tmp_path: Path) -> None:
    with started(HOLD, tmp_path, "http://127.0.0.1:8011") as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Conflict, match=f"process {holder.pid}, which serves http://127.0.0.1:8011"):
            Folder(tmp_path).hold()
        served = announced(tmp_path)
        assert served is not None
        assert (served["address"], served["pid"]) == ("http://127.0.0.1:8011", holder.pid)
        holder.kill()


def test_the_secret_of_the_folder_is_for_its_owner_alone_and_new_each_time(tmp_path: Path) -> None:
    secrets = set()
    (tmp_path / "serve.json").touch(mode=0o644)
    for _ in range(2):
        folder = Folder(tmp_path)
        folder.hold()
        folder.announce("http://127.0.0.1:1")
        assert (tmp_path / "serve.json").stat().st_mode & 0o777 == 0o600
        served = announced(tmp_path)
        assert served is not None
        secrets.add(served["secret"])
        folder.release()
    assert len(secrets) == 2
    assert min(map(len, secrets)) >= 40


def test_a_process_that_serves_nothing_is_named_too(tmp_path: Path) -> None:
    with started(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Conflict, match=f"held by process {holder.pid}; wait for it, or stop it"):
            Folder(tmp_path).hold()
        holder.kill()


def test_the_folder_of_a_killed_process_is_free_and_its_address_forgotten(tmp_path: Path) -> None:
    with started(HOLD, tmp_path, "http://127.0.0.1:8011") as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    assert announced(tmp_path) is not None
    folder = Folder(tmp_path)
    folder.hold()
    assert announced(tmp_path) is None
    folder.release()


def test_a_folder_given_back_can_be_held_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new" / "folder")
    folder.hold()
    folder.announce("http://127.0.0.1:1")
    folder.release()
    assert announced(folder.path) is None
    folder.hold()
    folder.release()


def test_what_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid, match="name another with --data or ROLLBOOK_DATA"):
        Folder(tmp_path / "file" / "data").hold()


def test_an_address_that_is_torn_is_none(tmp_path: Path) -> None:
    (tmp_path / "serve.json").write_text(json.dumps({"address": "http"})[:9])
    assert announced(tmp_path) is None
