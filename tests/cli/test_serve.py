"""`rollbook serve`: what it refuses, how it says where it is, how it stops, and how commands go through it."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from rollbook import __version__
from rollbook.cli import app
from tests.cli.conftest import MAPPED
from tests.cli.terminal import environment, rollbook, serving

AS_OF = ("--as-of", "2026-03-03T00:00:00Z")
HOLDER = """
import sys, pathlib
from rollbook.store.folder import Folder
folder = Folder(pathlib.Path(sys.argv[1]))
folder.hold()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_version() -> None:
    done = rollbook("--version")
    assert (done.returncode, done.stdout) == (0, f"rollbook {__version__}\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_other_machines_are_refused_while_everyone_may_do_everything(host: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["serve", "--host", host, "--port", "0", "--data", str(tmp_path / "book")])
    assert done.exit_code == 2
    assert "ROLLBOOK_AUTH=none" in done.stderr
    assert not (tmp_path / "book").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = rollbook("serve", "--port", port, "--data", tmp_path / "book")
    assert done.returncode == 3
    assert f"port {port} is in use" in done.stderr


def test_commands_go_through_the_server_that_holds_the_folder(tmp_path: Path, story_file: Path) -> None:
    book = tmp_path / "book"
    question = ("ask", "event_distribution", "--days", "30", *AS_OF, "--json", "--data", book)
    with serving(book) as server:
        assert json.loads((book / "serve.json").read_text())["address"] == server.address
        assert httpx.get(f"{server.address}/health").status_code == 200
        done = rollbook("import", story_file, *MAPPED, "--data", book)
        assert (done.returncode, "4 events of 5 rows" in done.stdout) == (0, True), done.stderr
        through = rollbook(*question)
        assert rollbook("verify", "--data", book).stdout == "Every rollup equals the events.\n"
        second = rollbook("serve", "--port", "0", "--data", book)
        assert server.stop() == 0
    assert second.returncode == 3
    assert server.address in second.stderr
    assert not (book / "serve.json").exists()
    direct = rollbook(*question)
    assert {row["type"]: row["events"] for row in json.loads(direct.stdout)["rows"]} == {
        "quiz_completion": 2,
        "session_start": 2,
    }
    assert through.stdout == direct.stdout


def test_what_a_killed_server_left_leads_nobody_astray(tmp_path: Path) -> None:
    book = tmp_path / "book"
    with serving(book) as server:
        posted = httpx.post(f"{server.address}/api/v2/events", json={"event_type": "seen", "user_id": "ada"})
        assert posted.json()["ingested"] == 1
        server.process.kill()
        server.process.wait()
    assert (book / "serve.json").exists()
    done = rollbook("ask", "totals", "--json", "--data", book)
    assert json.loads(done.stdout)["rows"][0]["events"] == 1


def test_a_folder_that_another_process_holds_is_a_conflict(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = rollbook("ask", "totals", "--data", tmp_path)
        holder.communicate()
    assert done.returncode == 3
    assert f"process {holder.pid}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_is_json_lines_where_nobody_looks_on(tmp_path: Path) -> None:
    with serving(tmp_path / "book", LOG_LEVEL="debug", ML_MODEL_PATH="models") as server:
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.errors.splitlines()]
    told = {line["event"]: line for line in lines}
    assert told["serving"]["address"] == server.address
    assert told["serving"]["level"] == "info"
    assert told["setting_ignored"]["name"] == "ML_MODEL_PATH"


def test_requests_are_not_logged_unless_asked(tmp_path: Path) -> None:
    def log_of(**more: str) -> str:
        with serving(tmp_path / "book", **more) as server:
            httpx.get(f"{server.address}/health")
            server.stop()
        return server.errors

    assert "GET /health" not in log_of()
    assert "GET /health" in log_of(ROLLBOOK_ACCESS_LOG="true")


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = rollbook("serve", "--data", tmp_path, HTTP_PORT="eighty")
    assert done.returncode == 2
    assert "setting HTTP_PORT" in done.stderr
