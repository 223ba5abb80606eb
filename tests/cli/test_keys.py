"""`rollbook key` and `rollbook token`, and the first start of a server that knows nobody yet."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.terminal import PROGRAM, Serving, environment, rollbook, serving

FORM = re.compile(r"rbk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
SECRET = "the operator's own secret, of more than 32 bytes"
REQUIRED = {"ROLLBOOK_AUTH": "required", "JWT_SECRET_KEY": SECRET}
SEEN = {"event_type": "seen", "user_id": "ada"}


def by_hand(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    """`rollbook …` where keys are required."""
    return rollbook(*words, here=None, **{**REQUIRED, **more})


def key_of(done: subprocess.CompletedProcess[str]) -> str:
    """The key that a command printed, which must be alone on standard output."""
    assert done.returncode == 0, done.stderr
    assert FORM.fullmatch(done.stdout.removesuffix("\n")), done.stdout
    assert done.stdout.strip() not in done.stderr
    return done.stdout.strip()


def sent(server: Serving, key: str) -> int:
    """The status of an event that is sent with a key."""
    return httpx.post(f"{server.address}/api/v2/events", json=SEEN, headers={"x-api-key": key}).status_code


def test_the_first_start_prints_an_admin_key_once(tmp_path: Path) -> None:
    with serving(tmp_path / "book", **REQUIRED) as server:
        assert server.process.stdout is not None
        line = server.process.stdout.readline()
        assert line.startswith("Admin key of tenant default (shown once): rbk_")
        key = line.split()[-1]
        shown = {"authorization": f"Bearer {key}"}
        answer = httpx.get(f"{server.address}/api/v2/keys", headers=shown).json()
        assert [(one["role"], one["id"]) for one in answer["keys"]] == [("admin", key.split("_")[1])]
        tenants = by_hand("tenant", "show", "default", "--json", "--data", tmp_path / "book")
        assert not json.loads(tenants.stdout)["settings"].get("pseudonyms")
        assert sent(server, key) == 200
        assert httpx.get(f"{server.address}/api/v2/ask/totals").status_code == 401
        assert server.stop() == 0
    assert key.split("_", 2)[2] not in server.errors
    with serving(tmp_path / "book", **REQUIRED) as server:
        server.process.terminate()
        rest, _ = server.process.communicate(timeout=60)
    assert rest == ""


def test_with_open_access_no_key_is_made(tmp_path: Path) -> None:
    with serving(tmp_path / "book", ROLLBOOK_AUTH="none") as server:
        server.process.terminate()
        rest, _ = server.process.communicate(timeout=60)
    assert rest == ""
    assert by_hand("key", "list", "--json", "--data", tmp_path / "book", ROLLBOOK_AUTH="none").stdout.strip() == "[]"


def test_with_keys_other_machines_are_served(tmp_path: Path) -> None:
    with serving(tmp_path / "book", ROLLBOOK_HOST="0.0.0.0", **REQUIRED) as server:
        assert server.address.startswith("http://0.0.0.0:")
        listed = by_hand("key", "list", "--json", "--data", tmp_path / "book")
        assert len(json.loads(listed.stdout)) == 1


def test_keys_by_hand_while_a_server_runs(tmp_path: Path) -> None:
    book = ("--data", tmp_path / "book")
    with serving(tmp_path / "book", **REQUIRED) as server:
        assert by_hand("tenant", "create", "north", "--plain-ids", *book).returncode == 0
        north = ("--tenant", "north", *book)
        made = by_hand("key", "create", "--role", "ingest", "--name", "the LMS", *north)
        key = key_of(made)
        assert (sent(server, key), sent(server, key + "x")) == (200, 401)
        listed = json.loads(by_hand("key", "list", "--json", *north).stdout)
        assert [(one["id"], one["role"], one["name"]) for one in listed] == [(key.split("_")[1], "ingest", "the LMS")]
        assert key.split("_", 2)[2] not in json.dumps(listed)

        new = key_of(by_hand("key", "rotate", listed[0]["id"], *north))
        assert (sent(server, key), sent(server, new)) == (200, 200)
        gone = by_hand("key", "revoke", listed[0]["id"], *north)
        assert gone.returncode == 0, gone.stderr
        assert (sent(server, key), sent(server, new)) == (401, 401)
        assert server.stop() == 0
    assert "revoked" in by_hand("key", "list", *north).stdout


def test_keys_by_hand_without_a_server(tmp_path: Path) -> None:
    book = ("--data", tmp_path / "book")
    origin = "https://learn.example.edu"
    made = by_hand("key", "create", "--role", "read", "--expires-days", 30, "--origin", origin, *book)
    key = key_of(made)
    listed = json.loads(by_hand("key", "list", "--json", *book).stdout)
    assert [one["origins"] for one in listed] == [[origin]]
    assert listed[0]["expires"] > listed[0]["created"]
    with serving(tmp_path / "book", **REQUIRED) as server:
        asked = httpx.get(f"{server.address}/api/v2/ask/totals", headers={"x-api-key": key, "origin": origin})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("key", "create", "--role", "king"), 2, "ingest"),
        (("key", "create", "--role", "read", "--tenant", "nowhere"), 2, "rollbook tenant create nowhere"),
        (("key", "create", "--role", "read", "--origin", "*"), 2, "https://"),
        (("key", "revoke", "nothing"), 2, "rollbook key list"),
        (("key", "rotate", "nothing"), 2, "rollbook key list"),
        (("token", "--tenant", "north", "--user", "ada", "--role", "king"), 2, "learner"),
    ],
)
def test_what_cannot_be_done_is_said_and_prints_no_key(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    done = by_hand(*words, "--data", tmp_path / "book")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr


def test_a_token_is_good_for_a_server_with_the_same_secret(tmp_path: Path) -> None:
    book = ("--data", tmp_path / "book")
    made = by_hand("token", "--user", "ada", "--role", "learner", "--role", "educator", *book)
    assert made.returncode == 0, made.stderr
    token = made.stdout.removesuffix("\n")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token)
    assert not (tmp_path / "book").exists()
    forged = by_hand("token", "--user", "ada", "--role", "admin", JWT_SECRET_KEY="another").stdout
    with serving(tmp_path / "book", **REQUIRED) as server:

        def asked(shown: str) -> int:
            shown_in = {"authorization": f"Bearer {shown.strip()}"}
            return httpx.get(f"{server.address}/metrics/ada", headers=shown_in).status_code

        assert (asked(token), asked(forged)) == (200, 401)


def test_without_a_secret_there_is_no_token() -> None:
    done = by_hand("token", "--user", "ada", "--role", "learner", JWT_SECRET_KEY="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "JWT_SECRET_KEY is not set" in done.stderr


def test_the_demo_is_open(tmp_path: Path) -> None:
    """Its figures are made up, and whoever looks at it for the first time has no key."""
    command = [*PROGRAM, "demo", "--learners", "3", "--days", "2", "--port", "0", "--data", str(tmp_path / "demo")]
    told = environment(ROLLBOOK_AUTH="")
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stdout if line.startswith("Open "))
        answer = httpx.get(f"{address}/api/v2/ask/totals")
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert (answer.status_code, answer.json()["rows"][0]["people"] > 0) == (200, True)
    assert "rbk_" not in rest
