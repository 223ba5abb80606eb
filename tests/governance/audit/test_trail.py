"""The audit trail: what is written is there, whole and in order; what is changed behind its back is found and named."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rollbook.errors import Invalid, Unavailable
from rollbook.governance.audit import Line, Trail
from rollbook.governance.audit.checking import Checking, Place
from rollbook.governance.audit.trail import ingested
from rollbook.store import Store
from tests.governance.trails import bad, heads, read, shown

Change = Callable[[str, str], None]


@pytest.fixture(scope="module")
def trail(store: Store) -> Iterator[Trail]:
    """The trail of the shared store."""
    opened = Trail(store)
    yield opened
    opened.close()


@pytest.fixture
def change(store: Store, tenant: str) -> Change:
    """Changes lines behind the trail's back: `update` some columns, or delete, where something holds."""

    def mutate(what: str, where: str) -> None:
        of = f"where tenant = {{tenant:String}} and {where}"
        sql = f"alter table audit {what} {of}"
        store.engine.command(sql, {"tenant": tenant}, settings={"mutations_sync": 2})

    return mutate


def five(trail: Trail, tenant: str) -> None:
    """Five lines, one insert each, and their head."""
    for number in range(1, 6):
        trail.note_now(read(tenant, person=f"learner-{number}"))
    trail.sign()


def test_what_is_noted_is_there_with_its_names(store: Store, trail: Trail, tenant: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    asyncio.run(trail.note(read(tenant, detail={"rows": 3})))
    (line,) = shown(store, trail, tenant)
    assert (line["number"], line["action"], line["what"]) == (1, "read", "GET /api/v2/ask/timeline")
    assert (line["actor"], line["person"], line["address"]) == ("grace", "ada", "192.0.2.7")
    assert (line["credential"], line["why"], line["detail"]) == ("token", "tutoring", {"rows": 3})
    assert before <= line["at"] <= datetime.now(UTC)
    assert bad(store, trail, tenant) is None


def test_many_at_once_make_one_chain(store: Store, trail: Trail, tenant: str) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(trail.note(read(tenant, person=f"learner-{n % 7}")) for n in range(300)))

    asyncio.run(all_at_once())
    verdict = Checking(store, trail.keys).check(tenant)
    assert (verdict.lines, verdict.chains, verdict.bad) == (300, 1, None)
    assert sorted(line["number"] for line in shown(store, trail, tenant)) == list(range(201, 301))


def test_no_name_stands_in_the_table(store: Store, trail: Trail, tenant: str) -> None:
    line = read(tenant, "lovelace", "hopper", why="lovelace asked", detail={"refused": "hopper may not see 'lovelace'"})
    trail.note_now(line)
    (row,) = store.engine.query("select * from audit where tenant = {tenant:String}", {"tenant": tenant})
    for name in ("lovelace", "hopper", "192.0.2.7"):
        assert name not in repr(row)
    assert (row["why"], row["detail"]) == ("{person} asked", '{"refused": "{actor} may not see \'{person}\'"}')


def test_the_same_person_has_the_same_digest_in_one_tenant_only(store: Store, trail: Trail, tenant: str) -> None:
    trail.note_now(read(tenant), read(tenant, person="grace", actor="ada"), read(f"{tenant}-b"))
    sql = "select tenant, actor, person from audit where startsWith(tenant, {tenant:String}) order by tenant, number"
    first, second, foreign = store.engine.query(sql, {"tenant": tenant})
    assert (first["actor"], first["person"]) == (second["person"], second["actor"])
    assert {foreign["actor"], foreign["person"]}.isdisjoint({first["actor"], first["person"]})


@pytest.mark.parametrize(
    ("what", "where", "number", "wrong"),
    [
        ("delete", "number = 3", 3, "line 3 is missing"),
        ("delete", "number < 3", 1, "lines 1 to 2 are missing"),
        ("delete", "number > 3", 4, "lines 4 to 5 are missing: a signed head names line 5"),
        ("delete", "1", 1, "lines 1 to 5 are missing: a signed head names line 5"),
        ("update why = 'a good reason'", "number = 2", 2, "altered or moved"),
        ("update received = received + toIntervalSecond(1)", "number = 4", 4, "altered or moved"),
        ("update hash = previous", "number = 5", 5, "altered or moved"),
        ("update recovered = 1", "number = 1", 1, "altered or moved"),
        ("update key = ''", "number = 2", 2, "written under the key ''"),
    ],
)
def test_what_is_changed_is_found(
    store: Store, trail: Trail, tenant: str, change: Change, what: str, where: str, number: int, wrong: str
) -> None:
    five(trail, tenant)
    assert bad(store, trail, tenant) is None
    change(what, where)
    found = bad(store, trail, tenant)
    assert found is not None
    assert (found.tenant, found.number) == (tenant, number)
    assert wrong in found.wrong


def rewritten(store: Store, tenant: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write every line of a tenant anew, as somebody with the table in their hands could."""
    sql = "select * from audit where tenant = {tenant:String} order by number"
    rows = store.engine.query(sql, {"tenant": tenant})
    engine = store.engine
    engine.command("alter table audit delete where tenant = {t:String}", {"t": tenant}, settings={"mutations_sync": 2})
    from rollbook.store import audit_lines

    audit_lines.append(engine, [change(row) for row in rows])


def test_lines_that_changed_places_are_found(store: Store, trail: Trail, tenant: str) -> None:
    five(trail, tenant)
    places = {2: 4, 4: 2}
    rewritten(store, tenant, lambda row: row | {"number": places.get(row["number"], row["number"])})
    found = bad(store, trail, tenant)
    assert found is not None
    assert (found.number, found.wrong) == (2, "the line was altered or moved")


def test_a_line_that_is_there_twice_is_found(store: Store, trail: Trail, tenant: str) -> None:
    five(trail, tenant)
    store.engine.command(
        "insert into audit select * from audit where tenant = {t:String} and number = 3", {"t": tenant}
    )
    found = bad(store, trail, tenant)
    assert found is not None
    assert (found.number, found.wrong) == (3, "the line is there twice")


def test_a_line_of_another_tenant_does_not_fit(store: Store, trail: Trail, tenant: str, change: Change) -> None:
    five(trail, tenant)
    change("delete", "number > 4")
    five(trail, f"{tenant}-b")
    rewritten(store, f"{tenant}-b", lambda row: row | {"tenant": tenant if row["number"] == 5 else row["tenant"]})
    found = bad(store, trail, tenant)
    assert found is not None
    assert (found.number, found.wrong) == (5, "the line was altered or moved")


def test_heads_kept_elsewhere_show_what_the_records_no_longer_do(
    store: Store, trail: Trail, tenant: str, change: Change
) -> None:
    five(trail, tenant)
    kept = heads(store, tenant)
    assert [head["number"] for head in kept] == [5]
    change("delete", "number > 3")
    with store.records.database.write() as connection:
        connection.exec_driver_sql(f"delete from audit_heads where tenant = '{tenant}'")
    assert bad(store, trail, tenant) is None
    found = bad(store, trail, tenant, kept)
    assert found is not None
    assert (found.number, found.wrong) == (4, "lines 4 to 5 are missing: a signed head names line 5")


@pytest.mark.parametrize("forged", [{"number": 4}, {"hash": "0" * 64}, {"signature": "00" * 64}, {"signature": "?"}])
def test_a_forged_head_is_found(store: Store, trail: Trail, tenant: str, forged: dict[str, Any]) -> None:
    five(trail, tenant)
    found = bad(store, trail, tenant, [head | forged for head in heads(store, tenant)])
    assert found is not None
    assert found.wrong == "the head was altered: its signature does not hold"


def test_a_check_goes_on_where_it_stopped(store: Store, trail: Trail, tenant: str, change: Change) -> None:
    five(trail, tenant)
    checking, after, lines = Checking(store, trail.keys), None, 0
    places = []
    while True:
        verdict = checking.check(tenant, after=after, most_lines=2)
        assert verdict.bad is None
        lines += verdict.lines
        if (after := verdict.next) is None:
            break
        places.append(after.number)
    assert (lines, places) == (5, [2, 4])
    change("delete", "number = 4")
    (name,) = {(head["tenant"], head["chain"]) for head in heads(store, tenant)}
    verdict = checking.check(tenant, after=Place(*name, 3), most_lines=2)
    assert verdict.bad is not None
    assert (verdict.bad.number, verdict.bad.wrong) == (4, "line 4 is missing")


def test_lines_that_can_wait_are_written_within_a_while(store: Store, trail: Trail, tenant: str) -> None:
    stamp = datetime(2026, 3, 2, 10, tzinfo=UTC)
    trail.note_soon(ingested(tenant, "native", stamp, 20, credential="key:3f2a"))
    trail.note_soon(ingested(tenant, "native", stamp, 30))
    # a line that cannot wait takes them with it, in their order
    trail.note_now(read(tenant))
    last, second, first = shown(store, trail, tenant)
    assert [line["action"] for line in (first, second, last)] == ["ingest", "ingest", "read"]
    assert (first["actor"], first["credential"], first["received"]) == ("key:3f2a", "key:3f2a", stamp)
    assert [line["detail"]["events"] for line in (first, second)] == [20, 30]


def test_one_line_that_cannot_be_written_does_not_fail_others(store: Store, trail: Trail, tenant: str) -> None:
    with pytest.raises(Invalid, match="surrogate"):
        trail.note_now(read(tenant, person="\ud800"))
    trail.note_now(read(tenant, why="nul \0, half \ud800, tab \t"))
    (line,) = shown(store, trail, tenant)
    assert line["why"] == "nul  , half  , tab  "


def test_after_the_end_nothing_is_taken(store: Store, tenant: str) -> None:
    trail = Trail(store)
    trail.close()
    with pytest.raises(Unavailable, match="stopping"):
        trail.note_now(Line(tenant, "read", "x"))
