"""Keys: shown once, known by their hash, limited to what they are for, and over within a second."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from rollbook.errors import Invalid, NotFound, RollbookError, Unauthenticated
from rollbook.governance.caller import LOCAL
from rollbook.governance.credentials import Credentials
from rollbook.governance.keys import Keys
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from rollbook.store.records.access_tables import keys as table
from tests.governance.access.showing import basic, gated, known, scope_of

FORM = re.compile(r"rbk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def school(store: Store, tenant: str) -> str:
    """A tenant that was made."""
    tenants_of(store).create(tenant, pseudonyms=False)
    return tenant


@pytest.fixture
def keys(store: Store) -> Keys:
    """The keys, as one process sees them."""
    return Keys(store)


@pytest.fixture
def credentials(store: Store) -> Credentials:
    """The credentials of one process."""
    return Credentials(store, tenants_of(store))


def refusal(call: Callable[[], object]) -> RollbookError:
    """What a call is refused with."""
    with pytest.raises(RollbookError) as caught:
        call()
    return caught.value


def test_a_key_is_shown_once_and_kept_as_a_hash(store: Store, school: str, keys: Keys) -> None:
    text, row = keys.create(school, "admin", name="the office")
    assert FORM.fullmatch(text)
    assert row["id"] in text
    secret = text.split("_", 2)[2]
    kept = store.records.database.rows(select(table).where(table.c.id == row["id"]))[0]
    assert not [value for value in kept.values() if secret in str(value)]
    assert kept["hash"]
    for shown in (row, *keys.of(school)):
        assert "hash" not in shown
        assert kept["hash"] not in map(str, shown.values())


def test_no_two_keys_are_the_same(school: str, keys: Keys) -> None:
    texts = {keys.create(school, "read")[0] for _ in range(20)}
    assert len({text.split("_", 2)[2] for text in texts}) == len({text.split("_")[1] for text in texts}) == 20


def test_a_key_is_who_it_was_made_for(school: str, keys: Keys) -> None:
    made = {role: keys.look_up(keys.create(school, role)[0]) for role in ("ingest", "read", "admin")}
    assert {one.tenant for one in made.values()} == {school}
    assert {one.subject for one in made.values()} == {""}
    assert set(made["ingest"].only or ()) == {"write"}
    assert set(made["read"].only or ()) == {"ask_many", "ask_person", "measure", "live", "export", "public"}
    assert made["ingest"].roles == made["read"].roles == {"service"}
    assert made["admin"].roles == {"admin", "privacy_officer", "auditor"}
    assert made["admin"].only is None


def test_what_is_wrong_is_told_without_saying_which_keys_there_are(school: str, keys: Keys) -> None:
    one, other = keys.create(school, "read")[0], keys.create(school, "read")[0]
    (_, key, secret), (_, _, foreign) = one.split("_", 2), other.split("_", 2)
    wrong = [
        f"rbk_{key}_{secret[:-1]}",
        f"rbk_{key}_{secret}x",
        f"rbk_{key}_{foreign}",
        f"rbk_ffffffffffff_{secret}",
        f"rbk_{key}_",
        f"rbk_{key}",
        "rbk_",
        f"rbk_%_{secret}",
        f"rbk_\0_{secret}",
        f"rbk_{key}_{'x' * 5000}",
    ]
    told = {refusal(lambda text=text: keys.look_up(text)).detail for text in wrong}  # type: ignore[misc]
    assert len(told) == 1
    assert keys.look_up(one).credential == f"key:{key}"


def test_a_revoked_key_is_over_at_once_in_this_process(school: str, keys: Keys, credentials: Credentials) -> None:
    text, row = credentials.keys.create(school, "read")
    request = scope_of(x_api_key=text)
    assert known(credentials, request) is not None
    credentials.keys.revoke(school, row["id"])
    error = refusal(lambda: known(credentials, request))
    assert "was revoked" in error.detail
    assert isinstance(error, Unauthenticated)
    assert error.was_good
    assert keys.of(school)[0]["revoked"] is not None
    assert not keys.is_good(row["id"])


def test_a_revoked_key_is_over_within_a_second_in_other_processes(store: Store, school: str, keys: Keys) -> None:
    clock = Clock()
    elsewhere = Keys(store, clock=clock)
    text, row = keys.create(school, "read")
    digest = bytes.fromhex(store.records.database.rows(select(table).where(table.c.id == row["id"]))[0]["hash"])
    assert elsewhere.look_up(text) == elsewhere.seen(digest)
    keys.revoke(school, row["id"])
    # this is the price of not asking the records for each request
    assert elsewhere.seen(digest) is not None
    clock.now += 0.9
    assert elsewhere.seen(digest) is None
    assert "revoked" in refusal(lambda: elsewhere.look_up(text)).detail
    assert not elsewhere.is_good(row["id"])


def test_a_key_in_use_stays_known(store: Store, school: str) -> None:
    clock = Clock()
    keys = Keys(store, clock=clock)
    one, other = keys.create(school, "read")[0], keys.create(school, "ingest")[0]
    for _ in range(5):
        assert keys.look_up(one).only != keys.look_up(other).only
        clock.now += 0.5
    assert keys.is_good(one.split("_")[1])


def test_an_expired_key_is_over(store: Store, school: str, keys: Keys) -> None:
    text, row = keys.create(school, "read", expires=datetime.now(UTC) + timedelta(days=1))
    assert keys.look_up(text).until == row["expires"].timestamp()
    with store.records.database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(table.update().where(table.c.id == row["id"]).values(expires=past))
    error = refusal(lambda: Keys(store).look_up(text))
    assert f"key {row['id']} expired" in error.detail


def test_a_rotated_key_is_good_with_both_secrets_for_a_while(store: Store, school: str, keys: Keys) -> None:
    old, row = keys.create(school, "ingest")
    new, shown = keys.rotate(school, row["id"], grace=timedelta(hours=1))
    assert shown["previous_until"] > datetime.now(UTC) + timedelta(minutes=59)
    assert keys.look_up(old).until == shown["previous_until"].timestamp()
    assert keys.look_up(new).until is None
    assert keys.look_up(old).credential == keys.look_up(new).credential
    with store.records.database.write() as connection:
        over = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(table.update().where(table.c.id == row["id"]).values(previous_until=over))
    later = Keys(store)
    assert "old secret" in refusal(lambda: later.look_up(old)).detail
    assert later.look_up(new)


def test_a_key_rotated_without_grace_is_good_with_the_new_secret_alone(school: str, keys: Keys) -> None:
    old, row = keys.create(school, "ingest")
    new, _ = keys.rotate(school, row["id"], grace=timedelta())
    assert keys.look_up(new)
    assert isinstance(refusal(lambda: keys.look_up(old)), Unauthenticated)


def test_a_revoked_key_is_not_rotated_back_to_life(school: str, keys: Keys) -> None:
    _, row = keys.create(school, "ingest")
    keys.revoke(school, row["id"])
    assert isinstance(refusal(lambda: keys.rotate(school, row["id"], grace=timedelta())), Invalid)


def test_nobody_touches_another_tenants_keys(store: Store, school: str, keys: Keys) -> None:
    tenants_of(store).create(f"{school}-other")
    text, row = keys.create(school, "read")
    for call in (
        lambda: keys.revoke(f"{school}-other", row["id"]),
        lambda: keys.rotate(f"{school}-other", row["id"], grace=timedelta()),
    ):
        assert isinstance(refusal(call), NotFound)
    assert keys.of(f"{school}-other") == []
    assert keys.look_up(text)


def test_what_cannot_be_a_key_is_refused(school: str, keys: Keys) -> None:
    assert "ingest, read, admin" in refusal(lambda: keys.create(school, "operator")).detail
    assert "in the past" in refusal(lambda: keys.create(school, "read", expires=datetime.now(UTC))).detail
    assert "rollbook tenant create" in refusal(lambda: keys.create(f"{school}-nobody", "read")).detail
    for origin in ("*", "learn.example.edu", "https://", "https://a.example/path", "ftp://a.example", "null"):
        assert origin in refusal(lambda origin=origin: keys.create(school, "read", origins=[origin])).detail  # type: ignore[misc]


def test_the_last_use_is_noted_and_not_each(store: Store, school: str) -> None:
    clock = Clock()
    keys = Keys(store, clock=clock)
    text, row = keys.create(school, "read")

    def use() -> datetime | None:
        keys.look_up(text)
        clock.now += 1
        keys.look_up(text)
        found: datetime | None = keys.of(school)[0]["last_used"]
        return found

    assert row["last_used"] is None
    first = use()
    assert first is not None
    assert use() == first
    with store.records.database.write() as connection:
        connection.execute(table.update().values(last_used=first - timedelta(hours=2)).where(table.c.id == row["id"]))
    again = use()
    assert again is not None
    assert again >= first


def test_all_ways_to_show_a_key(school: str, credentials: Credentials) -> None:
    text, row = credentials.keys.create(school, "read")
    for shown in (
        scope_of(authorization=f"Bearer {text}"),
        scope_of(authorization=f"bearer   {text} "),
        scope_of(authorization=basic(text)),
        scope_of(x_api_key=text),
    ):
        for _ in range(2):
            caller = known(credentials, shown)
            assert caller is not None
            assert caller.credential == f"key:{row['id']}"
    assert known(credentials, scope_of()) is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic", "Basic !!!", "Basic YWJj", "Digest abc", "Negotiate", basic("")]
)
def test_what_shows_nothing_good_is_refused_and_not_taken_for_nothing(header: str, credentials: Credentials) -> None:
    assert isinstance(refusal(lambda: known(credentials, scope_of(authorization=header))), Unauthenticated)


def test_what_is_neither_key_nor_token_is_refused(credentials: Credentials) -> None:
    for text in ("hello", "é", "a.b.c", "x" * 20_000, "eyJ.eyJ.x"):
        assert isinstance(refusal(lambda text=text: known(credentials, scope_of(x_api_key=text))), Unauthenticated)  # type: ignore[misc]


def test_whoever_can_read_the_folder_may_do_everything(store: Store, credentials: Credentials) -> None:
    assert known(credentials, scope_of(x_rollbook_secret=store.folder.secret)) is LOCAL
    assert known(credentials, scope_of(x_rollbook_secret=store.folder.secret[:-1])) is None
    assert known(credentials, scope_of(x_rollbook_secret="")) is None


def test_a_page_uses_a_key_only_where_the_key_says_so(store: Store, school: str) -> None:
    client, credentials = gated(store)
    listed, _ = credentials.keys.create(school, "read", origins=["https://Learn.example.edu/", "http://localhost:3000"])
    plain, _ = credentials.keys.create(school, "read")
    home, other = {"origin": "https://learn.example.edu"}, {"origin": "https://evil.example"}
    asked = "/api/v2/ask/totals"

    answer = client.get(asked, headers=home | {"x-api-key": listed})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == home["origin"]
    assert "origin" in answer.headers["vary"].lower()
    assert client.get(asked, headers=other | {"x-api-key": listed}).status_code == 403
    # without listed origins, pages get no permission to read the answer; programs send no Origin
    assert client.get(asked, headers={"x-api-key": listed}).status_code == 200
    unread = client.get(asked, headers=home | {"x-api-key": plain})
    assert "access-control-allow-origin" not in unread.headers


def test_a_preflight_is_answered_where_any_key_allows_the_origin(store: Store, school: str) -> None:
    client, credentials = gated(store)
    origin = f"https://{school}.example"
    asks = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    before = client.options("/api/v2/events", headers=asks)
    assert "access-control-allow-origin" not in before.headers
    _, row = credentials.keys.create(school, "ingest", origins=[origin])
    after = client.options("/api/v2/events", headers=asks)
    assert after.status_code == 204
    assert after.headers["access-control-allow-origin"] == origin
    assert "x-api-key" in after.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in after.headers
    credentials.keys.revoke(school, row["id"])
    assert "access-control-allow-origin" not in client.options("/api/v2/events", headers=asks).headers


def test_keys_over_http(store: Store, school: str) -> None:
    client, credentials = gated(store)
    admin = {"x-api-key": credentials.keys.create(school, "admin")[0]}
    made = client.post("/api/v2/keys", headers=admin, json={"role": "ingest", "name": "LMS", "expires_days": 30})
    assert made.status_code == 201
    key = made.json()
    assert FORM.fullmatch(key["key"])
    assert {"hash", "previous"} & key.keys() == set()
    listed = client.get("/api/v2/keys", headers=admin).json()["keys"]
    assert [(one["role"], one["name"]) for one in listed] == [("admin", ""), ("ingest", "LMS")]
    assert "key" not in listed[1]

    sent = {"json": {"event_type": "seen", "user_id": "ada"}}
    assert client.post("/api/v2/keys", headers={"x-api-key": key["key"]}, json={"role": "admin"}).status_code == 403
    rotated = client.post(f"/api/v2/keys/{key['id']}/rotate", headers=admin, json={"grace_hours": 0}).json()
    assert client.get("/api/v2/keys", headers={"x-api-key": key["key"]}).status_code == 401
    assert client.get("/api/v2/keys", headers={"x-api-key": rotated["key"]}).status_code == 403
    assert client.delete(f"/api/v2/keys/{key['id']}", headers=admin).json()["revoked"]
    assert client.post("/api/v2/events", headers={"x-api-key": rotated["key"]}, **sent).status_code == 401
    assert client.delete("/api/v2/keys/nothing", headers=admin).status_code == 404
    assert client.post("/api/v2/keys", headers=admin, json={"role": "king"}).status_code == 422


def test_an_admin_reaches_no_other_tenants_keys(store: Store, school: str) -> None:
    client, credentials = gated(store)
    tenants_of(store).create(f"{school}-other")
    admin = {"x-api-key": credentials.keys.create(school, "admin")[0]}
    _, foreign = credentials.keys.create(f"{school}-other", "read")
    there = {"tenant_id": f"{school}-other"}
    assert client.get("/api/v2/keys", headers=admin, params=there).status_code == 403
    assert client.delete(f"/api/v2/keys/{foreign['id']}", headers=admin).status_code == 404
    assert client.post(f"/api/v2/keys/{foreign['id']}/rotate", headers=admin).status_code == 404
