"""Raw events expire into archives, the rollups answer as before, and what is archived comes back, each event once."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from rollbook.analyses import catalogue
from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.errors import Invalid, NotFound
from rollbook.governance.lifecycle import Expiry, archives, held, holds, remove_people
from rollbook.governance.rights import erasure
from rollbook.store import Store
from rollbook.store.records.holdings import Known
from tests.governance.lifetimes import DAY, NOW, aged, expire, raw, restore, told
from tests.governance.shelves import Shelf, rows_of
from tests.stories import happened, tell

MARCH_END = datetime(2026, 3, 31, 23, 59, 59, 999_000, UTC)


def term(seed: int, tenant_days: int = 24) -> list[dict[str, Any]]:
    """Some weeks of some people."""
    chance = random.Random(seed)
    return [
        aged(
            chance.choice(["view", "quiz", "login"]),
            chance.choice(["", *(f"user-{n}" for n in range(9))]),
            f"2026-03-{1 + chance.randrange(tenant_days):02}T{chance.randrange(24):02}:{chance.randrange(60):02}",
            course=chance.choice(["", "c1", "c2"]),
            duration=chance.choice([None, 1.5, 60.0]),
        )
        for _ in range(300)
    ]


def answers(store: Store, tenant: str, **more: Any) -> dict[str, Answered[Any]]:
    """What every question that needs no parameter answers."""
    found = {}
    for kind in catalogue.QUESTIONS:
        try:
            question = kind(as_of=MARCH_END, **more)
        except ValidationError:
            continue
        found[kind.name()] = ask(store, question, tenant)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rollups_answer_the_same_when_their_events_are_gone(store: Store, tenant: str, seed: int) -> None:
    told(store, tenant, term(seed))
    before = answers(store, tenant)
    assert all(answer.raw_since is None for answer in before.values())
    expired = expire(store, tenant)
    assert expired is not None
    assert expired.events == 300
    assert raw(store, tenant) == 0
    after = answers(store, tenant)
    same = [name for name, answer in after.items() if answer.raw_since is None]
    assert {"active_users", "retention", "events_by_day", "event_distribution"} <= set(same)
    for name in same:
        assert after[name].rows == before[name].rows, name
    assert all(answer.raw_since == datetime(2026, 3, 25, tzinfo=UTC) for n, answer in after.items() if n not in same)
    assert len(same) < len(after)
    assert store.rollups.differences(tenant) == []


@pytest.mark.parametrize("seed", [4, 5])
def test_late_events_of_a_sealed_day_count_and_so_do_those_that_are_gone(store: Store, tenant: str, seed: int) -> None:
    told(store, tenant, term(seed))
    late = [happened("view", "late", "2026-03-05T09:00"), happened("quiz", "user-1", "2026-03-06T09:00", course="c1")]
    expire(store, tenant)
    tell(store, tenant, late)
    hot = answers(store, tenant)
    assert store.rollups.hot(tenant) == {date(2026, 3, 5), date(2026, 3, 6)}
    store.rollups.roll(quiet_seconds=0, of=tenant)
    rolled = answers(store, tenant)
    other = f"{tenant}-never-expired"
    told(store, other, [*term(seed), *late])
    never = answers(store, other)
    for name in ("active_users", "retention", "events_by_day", "event_distribution", "cohorts"):
        assert hot[name].rows == rolled[name].rows == never[name].rows, name
    assert store.rollups.differences(tenant) == []
    assert raw(store, tenant) == 2


def test_a_day_expires_when_its_last_event_is_old_enough(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view"), happened("view", "bob"), aged("view", at="2026-03-03T09:00")])
    expired = expire(store, tenant)
    assert expired is not None
    assert expired.days == [date(2026, 3, 3)]
    assert raw(store, tenant) == 2
    assert expire(store, tenant) is None


def test_imported_history_is_not_lost_at_once(store: Store, tenant: str) -> None:
    told(store, tenant, [happened("view", at="2014-02-01T09:00")])
    assert expire(store, tenant, event_days=1) is None
    assert raw(store, tenant) == 1
    # (not by a later clock: what is sealed in the future would move the clock of the shared store's way in)
    told(store, tenant, [happened("view", at="2014-02-02T09:00", received=NOW - 2 * DAY)])
    expired = expire(store, tenant)
    assert expired is not None
    assert expired.days == [date(2014, 2, 2)]
    assert raw(store, tenant) == 1


def test_tenants_have_ages_of_their_own(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view")])
    assert expire(store, tenant, event_days=401) is None
    assert expire(store, tenant, event_days=399) is not None


def test_a_dry_run_says_what_would_go_and_changes_nothing(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view"), aged("view", "bob")])
    would = Expiry(store).run(of=tenant, dry=True)
    assert (would[0].events, would[0].days) == (2, [date(2026, 3, 2)])
    assert raw(store, tenant) == 2
    assert archives.listed(store, tenant) == []


def test_an_archive_holds_every_event_and_its_manifest_says_so(shelf: Shelf, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada", id="a"), aged("quiz", "bob", "2026-04-02T10:00", id="b", score=7.5)])
    expire(store, tenant)
    march, april = archives.listed(store, tenant)
    assert (march.first, march.rows, april.first, april.rows) == (date(2026, 3, 2), 1, date(2026, 4, 2), 1)
    rows = rows_of(shelf, april.place)
    assert [(row["id"], row["user"], row["score"], row["tenant"]) for row in rows] == [("b", "bob", 7.5, tenant)]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(("shelf", "seed"), [("folder", 6), ("folder", 7), ("bucket", 8)], indirect=["shelf"])
def test_what_was_archived_comes_back_and_each_event_counts_once(store: Store, tenant: str, seed: int) -> None:
    events = term(seed)
    told(store, tenant, events)
    before = answers(store, tenant)
    expire(store, tenant)
    tell(store, tenant, [happened("view", "late", "2026-03-05T09:00", id="late")])
    done = restore(store, tenant, date(2026, 3, 1), date(2026, 3, 10))
    assert done.events == done.total == sum(event["timestamp"].day <= 10 for event in events)
    rest = restore(store, tenant)
    assert done.events + rest.events == 300
    found = store.engine.query(
        "select id, count() as times from events where tenant = {tenant:String} group by id", {"tenant": tenant}
    )
    assert {row["id"]: row["times"] for row in found} == {event["id"]: 1 for event in events} | {"late": 1}
    assert store.rollups.differences(tenant) == []
    store.engine.command("delete from events where tenant = {tenant:String} and id = 'late'", {"tenant": tenant})
    store.rollups.reheat(tenant)
    assert {n: a.rows for n, a in answers(store, tenant).items()} == {n: a.rows for n, a in before.items()}
    with pytest.raises(NotFound, match="no archived days"):
        restore(store, tenant)


def test_restored_days_stay_for_a_while_and_expire_anew(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), aged("view", "bob")])
    expire(store, tenant)
    restore(store, tenant)
    assert expire(store, tenant) is None
    again = Expiry(store).run(NOW + timedelta(days=store.settings.restored_days + 1), of=tenant)
    assert again[0].events == 2
    assert raw(store, tenant) == 0
    assert restore(store, tenant).events == 2
    assert raw(store, tenant) == 2
    assert store.rollups.differences(tenant) == []


@pytest.mark.usefixtures("shelf")
def test_archived_events_go_into_another_tenant_once(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), aged("view", "bob")])
    expire(store, tenant)
    copy = f"{tenant}-copy"
    assert restore(store, tenant, into=copy).events == 2
    again = restore(store, tenant, into=copy)
    assert (again.events, again.there, raw(store, copy), raw(store, tenant)) == (0, 2, 2, 0)


@pytest.mark.parametrize("what", ["events-00000.parquet", "manifest.json"])
def test_a_damaged_archive_is_refused_by_the_name_of_its_file(
    shelf: Shelf, store: Store, tenant: str, what: str
) -> None:
    told(store, tenant, [aged("view"), aged("view", "bob")])
    expire(store, tenant)
    (archive,) = archives.listed(store, tenant)
    whole = shelf.read(archive.place, what)
    shelf.write(archive.place, what, whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    with pytest.raises(Invalid, match=f"{archive.place}/{what}"):
        restore(store, tenant)
    assert raw(store, tenant) == 0
    assert answers(store, tenant)["events_by_day"].rows[0].events == 2
    shelf.write(archive.place, what, whole)
    assert restore(store, tenant).events == 2


def test_people_leave_archives_and_nobody_else_does(shelf: Shelf, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), aged("view", "bob"), aged("view", "ada", "2026-04-01T10:00")])
    expire(store, tenant)
    assert len(remove_people(store, tenant, ["ada"])) == 2
    assert remove_people(store, tenant, ["ada"]) == []
    there = archives.listed(store, tenant)
    assert [row["user"] for archive in there for row in rows_of(shelf, archive.place)] == ["bob"]
    assert [shelf.names(archive.place) for archive in there] == [
        ["events-00000.1.parquet", "manifest.json"],
        ["manifest.json"],
    ]
    assert restore(store, tenant).total == 1


def test_a_hold_on_a_tenant_or_a_person_keeps_what_is_due(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), aged("view", "bob", "2026-03-03T10:00")])
    whole = holds.place(store, tenant, "", "case 7", "tests")
    assert expire(store, tenant) is None
    holds.lift(store, tenant, whole.id, "tests")
    one = holds.place(store, tenant, "ada", "case 8", "tests")
    assert [hold.id for hold in held(store, tenant, "ada")] == [one.id]
    assert held(store, tenant, "bob") == []
    expired = expire(store, tenant)
    assert expired is not None
    assert (expired.days, expired.held_days) == ([date(2026, 3, 3)], [date(2026, 3, 2)])
    assert raw(store, tenant) == 1
    holds.lift(store, tenant, one.id, "tests")
    assert expire(store, tenant) is not None
    with pytest.raises(NotFound):
        holds.lift(store, tenant, one.id, "tests")
    with pytest.raises(Invalid):
        holds.place(store, tenant, "ada", " ", "tests")


def test_rollups_and_archives_expire_by_their_own_ages(shelf: Shelf, store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), happened("view", "bob", "2026-05-01T10:00")])
    expire(store, tenant, rollup_days=500)
    (archive,) = archives.listed(store, tenant)
    assert answers(store, tenant)["events_by_day"].rows[0].events == 1
    gone = expire(store, tenant, rollup_days=399, archive_days=399)
    assert gone is not None
    assert gone.rollup_days == [date(2026, 3, 2)]
    assert len(gone.archives) == 1
    assert archives.listed(store, tenant) == []
    assert shelf.names(archive.place) == []
    assert sum(row.events for row in answers(store, tenant)["events_by_day"].rows) == 0
    people = store.engine.query("select distinct user from people where tenant = {tenant:String}", {"tenant": tenant})
    assert [row["user"] for row in people] == ["bob"]
    assert store.rollups.differences(tenant) == []
    assert expire(store, tenant) is None


def test_a_zone_that_changes_leaves_sealed_days_as_they_were(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", at="2026-03-02T20:00"), happened("view", "bob", "2026-03-04T20:00")])
    expire(store, tenant)
    store.set_timezone(tenant, "Pacific/Auckland")
    question = ActiveUsers(as_of=MARCH_END)
    hot = ask(store, question, tenant).rows
    store.rollups.roll(quiet_seconds=0, of=tenant)
    assert ask(store, question, tenant).rows == hot
    assert store.rollups.differences(tenant) == []
    by_day = {
        row.day: row.events for row in ask(store, EventsByDay(as_of=MARCH_END, days=60), tenant).rows if row.events
    }
    assert by_day == {date(2026, 3, 2): 1, date(2026, 3, 5): 1}


def test_whole_months_lose_their_users_and_are_counted_as_before(store: Store, tenant: str) -> None:
    secret = {"session": "s-secret", "properties": '{"name": "ada"}', "conversation": "c-secret"}
    told(store, tenant, [*term(8), aged("view", "ada", "2026-03-09T10:00", id="ada-1", **secret)])
    april = [aged("view", "user-1", "2026-04-03T10:00"), happened("view", "user-1", "2026-04-05T10:00")]
    told(store, tenant, april)
    before = answers(store, tenant)
    done = expire(store, tenant, anonymise_days=300, event_days=1000)
    assert done is not None
    assert {day.month for day in done.anonymised_days} == {3}
    after = answers(store, tenant)
    for name in ("active_users", "retention", "events_by_day", "event_distribution"):
        assert after[name].rows == before[name].rows, name
    sql = "select user, id, session, conversation, properties from events where tenant = {tenant:String}"
    rows = store.engine.query(sql + " and timestamp < '2026-04-01'", {"tenant": tenant})
    assert len(rows) == 301
    assert {row["user"][:3] for row in rows} == {"", "a1_"}
    assert len({row["user"] for row in rows}) == 11
    assert not any("secret" in str(row) or "'ada" in str(row) or '"ada' in str(row) for row in rows)
    for table in ("activity", "people"):
        sql = f"select distinct user from {table} where tenant = {{tenant:String}}"
        users = store.engine.query(sql, {"tenant": tenant})
        assert {row["user"] for row in users if row["user"][:3] not in ("", "a1_")} == {"user-1"}
    assert store.rollups.differences(tenant) == []
    assert expire(store, tenant) is None


def test_events_are_unlinked_before_they_are_archived(store: Store, tenant: str) -> None:
    told(store, tenant, [aged("view", "ada"), aged("view", "bob", "2026-03-03T10:00")])
    told(store, tenant, [happened("view", "bob", "2026-04-03")])
    done = expire(store, tenant, anonymise_days=2000)
    assert done is not None
    assert (len(done.anonymised_days), done.events) == (2, 2)
    (archive,) = archives.listed(store, tenant)
    (file,) = Path(archive.place).glob("*.parquet")
    assert {user[:3] for user in pq.read_table(file)["user"].to_pylist()} == {"a1_"}


def test_names_leave_the_texts_of_other_people_in_archives(store: Store, tenant: str) -> None:
    texts = ['{"peer": "ada", "note": "ada-lovelace wrote"}', '{"peer": "adam", "n": 1}']
    told(store, tenant, [aged("view", "bob", properties=text) for text in texts])
    expire(store, tenant)
    assert len(remove_people(store, tenant, ["ada"], ["ada", "ada-lovelace"])) == 1
    (archive,) = archives.listed(store, tenant)
    (file,) = Path(archive.place).glob("*.parquet")
    kept = pq.read_table(file)["properties"].to_pylist()
    assert sorted(kept) == ['{"peer": "adam", "n": 1}', '{"peer": "erased", "note": "erased wrote"}']
    assert restore(store, tenant).events == 2


def test_an_erasure_of_what_is_held_is_refused(store: Store, tenant: str) -> None:
    def reason(user: str) -> str:
        return erasure.barred(erasure.Erasure(store, tenant, "request", Known((user,), (), (user,))))

    hold = holds.place(store, tenant, "ada", "case 9", "tests")
    assert hold.id in reason("ada")
    assert reason("bob") == ""
    holds.lift(store, tenant, hold.id, "tests")
    assert reason("ada") == ""
