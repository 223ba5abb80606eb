"""People in the records: the same over SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from rollbook.errors import Conflict, NotFound
from rollbook.settings import Settings
from rollbook.store.records import Records
from rollbook.store.records.people import People
from rollbook.store.records.people.persons import PersonRow
from rollbook.store.records.people.written import Written

TODAY = date(2026, 11, 21)
BORN = {"birth_date": date(2012, 5, 1)}


@pytest.fixture
def people(database: Settings) -> Iterator[People]:
    """Nobody yet."""
    records = Records(database)
    yield records.people
    records.close()


def told(people: People, *rows: PersonRow) -> Written:
    """Persons, put."""
    with people.roster("school") as roster:
        return roster.put_people(rows)


def place(user: str, course: str = "maths", role: str = "learner", **more: Any) -> dict[str, Any]:
    """A membership."""
    row = {"course": course, "user": user, "role": role, "begins": None, "ends": None}
    return row | {"source": "roster", "ref": "", "seen": ""} | more


def care(guardian: str, ward: str, **more: Any) -> dict[str, Any]:
    """A guardianship."""
    row = {"ward": ward, "guardian": guardian, "verified_by": "office", "begins": None, "ends": None}
    return row | {"source": "roster", "ref": "", "seen": ""} | more


def counts(done: Written) -> tuple[int, int, int]:
    """New, changed, unchanged."""
    return done.new, done.changed, done.unchanged


def test_the_same_again_changes_nothing(people: People) -> None:
    ada, bob = PersonRow("ada", BORN, (("sis", "17"),)), PersonRow("bob", {})
    assert counts(told(people, ada, bob)) == (2, 0, 0)
    assert counts(told(people, ada, bob)) == (0, 0, 2)
    assert counts(told(people, PersonRow("ada", {"country": "DE"}), bob)) == (0, 1, 1)
    (record,) = people.persons_of("school", "ada")
    assert (record["birth_date"], record["country"]) == (date(2012, 5, 1), "DE")
    assert people.persons_of("elsewhere", "ada") == []


def test_a_new_user_with_a_known_id_is_that_person_and_can_be_parted(people: People) -> None:
    told(people, PersonRow("ada", BORN, (("sis", "17"),)))
    told(people, PersonRow("ada@new", {}, (("sis", "17"),)))
    assert people.same_person("school", "ada@new") == ("ada@new", "ada")
    (merge,) = people.merges("school")
    assert merge["made_by"] == "roster"
    with people.roster("school") as roster:
        roster.part(merge["id"], by="key:1")
    assert people.same_person("school", "ada@new") == ("ada@new",)
    assert people.same_person("school", "ada") == ("ada",)


def test_ids_that_prove_nothing_are_refused(people: People) -> None:
    told(people, PersonRow("ada", {}, (("sis", "17"), ("email", "family@example.org"))), PersonRow("eve", {}))
    done = told(
        people,
        PersonRow("bob", {}, (("email", "family@example.org"),)),
        PersonRow("eve", {}, (("sis", "17"),)),
        PersonRow("zoe", {}),
    )
    assert done.new == 1
    assert {at: why.split(";")[0] for at, why in done.refused.items()} == {
        0: "their email id is another person's already",
        1: "their sis id is another person's already",
    }
    assert people.persons_of("school", "bob") == []
    assert people.same_person("school", "eve") == ("eve",)


def test_merges_are_undone_in_any_order(people: People) -> None:
    told(people, *(PersonRow(user, {}) for user in "abcd"))
    with people.roster("school") as roster:
        first = roster.join("a", "b", by="me")
        second = roster.join("c", "d", by="me")
        third = roster.join("d", "b", by="me")
        with pytest.raises(Conflict, match="one person already"):
            roster.join("a", "c", by="me")
    assert people.same_person("school", "a") == ("a", "b", "c", "d")
    assert {first.kept, first.merged} == set(third.moved)
    with people.roster("school") as roster:
        roster.part(second.id, by="me")
    assert people.same_person("school", "d") == ("d",)
    assert people.same_person("school", "b") == ("b", "a", "c")
    with people.roster("school") as roster:
        roster.part(first.id, by="me")
    assert people.same_person("school", "b") == ("b",)
    assert people.same_person("school", "a") == ("a", "c")
    with people.roster("school") as roster:
        roster.part(third.id, by="me")
    assert [people.same_person("school", user) for user in "abcd"] == [("a",), ("b",), ("c",), ("d",)]


def test_a_merge_is_undone_once(people: People) -> None:
    told(people, PersonRow("a", {}), PersonRow("b", {}))
    with people.roster("school") as roster:
        made = roster.join("a", "b", by="me")
        roster.part(made.id, by="you")
        with pytest.raises(Conflict, match="undone before"):
            roster.part(made.id, by="you")
        with pytest.raises(NotFound, match="no merge"):
            roster.part("merge-0", by="you")
    with pytest.raises(NotFound, match="no merge"), people.roster("elsewhere") as roster:
        roster.part(made.id, by="you")


def test_a_place_needs_its_course(people: People) -> None:
    with people.roster("school") as roster:
        assert roster.put_courses([{"id": "maths", "starts": date(2026, 9, 1)}]).new == 1
        done = roster.put_memberships([place("ada", "magic"), place("ada")])
        assert (done.new, list(done.refused)) == (1, [0])
        assert roster.put_courses([{"id": "maths", "days": 90}, {"id": "maths", "days": 90}]).changed == 1
    assert [row["course"] for row in people.memberships("school")] == ["maths"]


@pytest.mark.parametrize(
    ("begins", "ends", "there"),
    [
        (None, None, True),
        (date(2026, 11, 21), None, True),
        (date(2026, 11, 22), None, False),
        (None, date(2026, 11, 22), True),
        (None, date(2026, 11, 21), False),
    ],
)
def test_from_is_the_first_day_and_to_the_first_day_gone(
    people: People, begins: date | None, ends: date | None, there: bool
) -> None:
    with people.roster("school") as roster:
        roster.put_courses([{"id": "maths"}])
        roster.put_memberships([place("ada", role="educator", begins=begins, ends=ends), place("ada")])
    assert people.courses_of("school", ["ada"], "educator", TODAY) == (("maths",) if there else ())


def test_what_an_import_no_longer_tells_ends(people: People) -> None:
    with people.roster("school") as roster:
        roster.put_courses([{"id": "maths"}])
        roster.put_memberships([place(user, source="sis", seen="1") for user in ("ada", "bob")] + [place("eve")])
        roster.put_guardianships([care("mum", "ada", source="sis", seen="1")])
        again = roster.put_memberships([place("ada", source="sis", seen="2")])
        assert counts(again) == (0, 0, 1)
        assert [roster.end_unseen("memberships", "sis", "2", TODAY) for _ in range(2)] == [1, 0]
        assert [roster.end_unseen("guardianships", "sis", "2", TODAY) for _ in range(2)] == [1, 0]
    ends = {row["user"]: row["ends"] for row in people.memberships("school")}
    assert ends == {"ada": None, "bob": TODAY, "eve": None}
    assert [row["ends"] for row in people.guardianships("school")] == [TODAY]


def test_what_a_source_deletes_ends(people: People) -> None:
    with people.roster("school") as roster:
        roster.put_courses([{"id": "maths"}])
        roster.put_memberships([place(user, source="sis", ref=f"e-{user}") for user in ("ada", "bob", "eve")])
        assert roster.end_refs("sis", ["e-bob", "e-nobody"], TODAY) == 1
        assert roster.end_refs("sis", ["e-ada"], TODAY, seen="") == 0
        assert roster.end_users("sis", ["eve"], TODAY) == 1
        assert roster.end_users("other", ["ada"], TODAY) == 0
    assert {row["user"]: row["ends"] for row in people.memberships("school")} == {
        "ada": None,
        "bob": TODAY,
        "eve": TODAY,
    }


def test_a_failed_roster_leaves_nothing(people: People) -> None:
    def tell() -> None:
        with people.roster("school") as roster:
            roster.put_people([PersonRow("ada", {})])
            raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError):
        tell()
    assert people.persons_of("school", "ada") == []


def test_many_tell_the_same_at_once(people: People) -> None:
    def tell(number: int) -> None:
        for n in range(10):
            told(people, PersonRow(f"u{n}", {}, (("sis", str(n)),)), PersonRow(f"own-{number}-{n}", {}))

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(people.persons_of("school", f"u{n}")) == 1 for n in range(10))
    assert all(people.persons_of("school", f"own-{number}-{n}") for number in range(4) for n in range(10))


def test_thousands_are_told_in_one_call(people: People) -> None:
    rows = [PersonRow(f"u{n:05}", {}, (("sis", str(n)),)) for n in range(3_000)]
    assert counts(told(people, *rows)) == (3_000, 0, 0)
    assert counts(told(people, *rows)) == (0, 0, 3_000)


def test_a_change_is_seen_at_once(people: People) -> None:
    assert people.same_person("school", "b") == ("b",)
    told(people, PersonRow("a", {}), PersonRow("b", {}))
    with people.roster("school") as roster:
        roster.join("a", "b", by="me")
    assert people.same_person("school", "b") == ("b", "a")


def test_a_user_is_found_by_another_id(people: People) -> None:
    told(people, PersonRow("ada", {}, (("sis", "17"),)))
    assert people.known_by("school", "sis", "17") == "ada"
    assert people.known_by("school", "lti", "17") is None
    assert people.known_by("elsewhere", "sis", "17") is None
