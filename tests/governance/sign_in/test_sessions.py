"""Sessions: how they begin, how they end, and what another site's page cannot do with them."""

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollbook.errors import Forbidden
from rollbook.governance.caller import Caller
from rollbook.governance.origins import local, sign_in_for
from rollbook.governance.sessions import COOKIE, SECURE_COOKIE, Sessions, clear_cookie, set_cookie
from rollbook.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class World:
    """A clock that is moved by hand, and the keys that are no good any more."""

    now: datetime = NOON
    revoked: set[str] = field(default_factory=set)

    def later(self, **more: float) -> None:
        """Let time pass."""
        self.now += timedelta(**more)


@pytest.fixture
def world() -> World:
    """Noon, and every key is good."""
    return World()


@pytest.fixture
def sessions(store: Store, world: World) -> Sessions:
    """Sessions by the world's clock; idle for 8 hours at most, 24 in all."""
    return Sessions(store, lambda key: key not in world.revoked, clock=lambda: world.now)


@pytest.fixture
def reader(tenant: str) -> Caller:
    """A key that may ask."""
    return Caller(tenant, frozenset({"service"}), "key:3f2a", only=frozenset({"ask_many", "export"}))


def request(cookie: str, *, method: str = "GET", kind: str = "http", **headers: str) -> dict[str, Any]:
    """A request as the server gets it."""
    given = {"host": "rollbook.example", "cookie": cookie} | {k.replace("_", "-"): v for k, v in headers.items()}
    return {
        "type": kind,
        "scheme": "https",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }


@pytest.mark.anyio
async def test_who_signed_in_is_who_calls(sessions: Sessions, reader: Caller) -> None:
    identity = sessions.begin(reader, "Ada")
    scope = request(f"other=1; {SECURE_COOKIE}={identity}")
    caller = await sessions.caller(scope)
    assert caller is not None
    assert (caller.tenant, caller.roles, caller.only) == (reader.tenant, reader.roles, reader.only)
    assert re.fullmatch("session:[0-9a-f]{16}", caller.credential)
    assert caller.until == (NOON + timedelta(hours=24)).timestamp()
    assert scope["state"]["session"].name == "Ada"


@pytest.mark.anyio
async def test_over_https_only_the_cookie_of_this_host_alone_counts(sessions: Sessions, reader: Caller) -> None:
    identity = sessions.begin(reader)
    scope = request(f"{COOKIE}={identity}")
    assert await sessions.caller(scope) is None
    assert await sessions.caller(scope | {"scheme": "http"}) is not None


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=", f"{COOKIE}=guessed", f"{COOKIE}={'x' * 5000}", "another=1"])
@pytest.mark.anyio
async def test_other_cookies_are_nobody(sessions: Sessions, cookie: str) -> None:
    assert await sessions.caller(request(cookie)) is None


def test_ids_are_long_and_never_the_same(sessions: Sessions, reader: Caller) -> None:
    ids = {sessions.begin(reader) for _ in range(20)}
    assert len(ids) == 20
    # 256 bits in base64
    assert {len(identity) for identity in ids} == {43}


def test_the_records_hold_nothing_to_sign_in_with(store: Store, sessions: Sessions, reader: Caller) -> None:
    identity = sessions.begin(reader)
    with sqlite3.connect(store.settings.data / "records.db") as records:
        kept = records.execute("select * from sessions where tenant = ?", [reader.tenant]).fetchall()
    assert len(kept) == 1
    assert identity not in str(kept)


@pytest.mark.parametrize(
    ("hours", "still"),
    [([7.9] * 3, True), ([8], False), ([7.9, 8], False), ([7, 7, 7, 2.9], True), ([7, 7, 7, 3], False)],
)
def test_a_session_ends_idle_and_after_a_day(
    sessions: Sessions, reader: Caller, world: World, hours: list[float], still: bool
) -> None:
    cookies = {COOKIE: sessions.begin(reader)}
    found = []
    for some in hours:
        world.later(hours=some)
        found.append(sessions.session(cookies) is not None)
    assert found == [True] * (len(hours) - 1) + [still]
    # and it does not come back
    world.now = NOON
    assert (sessions.session(cookies) is not None) == still


@pytest.mark.anyio
async def test_signing_out_ends_it_at_once(sessions: Sessions, reader: Caller) -> None:
    mine, other = ({COOKIE: sessions.begin(reader)} for _ in range(2))
    assert await sessions.caller(request(f"{SECURE_COOKIE}={mine[COOKIE]}"))
    sessions.end(mine)
    assert await sessions.caller(request(f"{SECURE_COOKIE}={mine[COOKIE]}")) is None
    assert sessions.session(other)


@pytest.mark.anyio
async def test_a_session_ends_with_its_key_within_a_second(sessions: Sessions, reader: Caller, world: World) -> None:
    cookie = f"{SECURE_COOKIE}={sessions.begin(reader)}"
    assert await sessions.caller(request(cookie))
    world.revoked.add("3f2a")
    world.later(seconds=1)
    assert await sessions.caller(request(cookie)) is None
    world.revoked.clear()
    world.later(seconds=1)
    assert await sessions.caller(request(cookie)) is None


def test_an_open_channel_ends_with_its_session(sessions: Sessions, reader: Caller, world: World) -> None:
    cookies = {COOKIE: sessions.begin(reader)}
    found = sessions.session(cookies)
    assert found
    assert sessions.is_good(found.caller)
    assert sessions.is_good(reader)
    world.revoked.add("3f2a")
    assert not sessions.is_good(found.caller)
    world.revoked.clear()
    sessions.end(cookies)
    assert not sessions.is_good(found.caller)


def test_all_sessions_of_a_person_can_be_ended(sessions: Sessions, tenant: str) -> None:
    ada, bo = (Caller(tenant, frozenset({"learner"}), f"oidc:{name}", name) for name in ("ada", "bo"))
    cookies = [{COOKIE: sessions.begin(caller)} for caller in (ada, ada, bo)]
    assert sessions.end_all(tenant, subject="ada") == 2
    assert [sessions.session(one) is not None for one in cookies] == [False, False, True]
    assert sessions.end_all("another", subject="bo") == 0
    assert sessions.end_all(tenant) == 1


OURS = {"origin": "https://rollbook.example"}
THEIRS = {"origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("GET", {}, True),
        ("GET", THEIRS, True),
        ("POST", OURS, True),
        ("POST", {"sec_fetch_site": "same-origin"} | OURS, True),
        ("POST", {}, False),
        ("POST", THEIRS, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {"origin": "http://rollbook.example"}, False),
        ("POST", {"origin": "https://rollbook.example.evil.example"}, False),
        ("DELETE", {"sec_fetch_site": "cross-site"} | OURS, False),
        ("PUT", {"sec_fetch_site": "same-site"} | OURS, False),
    ],
)
@pytest.mark.anyio
async def test_other_sites_change_nothing(
    sessions: Sessions, reader: Caller, method: str, headers: dict[str, str], passes: bool
) -> None:
    scope = request(f"{SECURE_COOKIE}={sessions.begin(reader)}", method=method, **headers)
    if passes:
        assert await sessions.caller(scope)
        return
    with pytest.raises(Forbidden, match="another site"):
        await sessions.caller(scope)


@pytest.mark.anyio
async def test_a_channel_is_opened_by_our_own_pages_only(sessions: Sessions, reader: Caller) -> None:
    cookie = f"{SECURE_COOKIE}={sessions.begin(reader)}"
    assert await sessions.caller(request(cookie, kind="websocket", **OURS))
    with pytest.raises(Forbidden):
        await sessions.caller(request(cookie, kind="websocket", **THEIRS))


def test_the_cookie_is_out_of_reach() -> None:
    assert set_cookie("abc", is_secure=False) == "rollbook_session=abc; Path=/; HttpOnly; SameSite=Lax"
    assert set_cookie("abc", is_secure=True) == "__Host-rollbook_session=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert clear_cookie(is_secure=True).startswith("__Host-rollbook_session=;")
    assert "Max-Age=0" in clear_cookie(is_secure=False)


@pytest.mark.parametrize("address", ["/", "/?days=7", "/overview.json?tenant_id=a%20b", "/docs#x"])
def test_paths_of_ours_are_led_to(address: str) -> None:
    assert local(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/sign-in?next=/sign-in",
        "/" + "a" * 3000,
    ],
)
def test_nobody_is_led_elsewhere(address: str) -> None:
    assert local(address) == "/"


def test_only_a_browser_that_wants_a_page_is_led_to_signing_in() -> None:
    page = request("", accept="text/html,application/xhtml+xml") | {"path": "/", "query_string": b"days=7&tenant_id=a"}
    assert sign_in_for(page) == "/sign-in?next=/%3Fdays%3D7%26tenant_id%3Da"
    assert sign_in_for(request("", accept="text/html")) == "/sign-in"
    assert sign_in_for(request("", accept="application/json")) is None
    assert sign_in_for(request("", accept="text/html", method="POST")) is None
    assert sign_in_for(request("", accept="text/html", kind="websocket")) is None
