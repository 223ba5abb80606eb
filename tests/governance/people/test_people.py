"""People: who teaches, who answers for whom, who is who; as it is today."""

import time
from datetime import date, timedelta
from typing import Any

import pytest

from rollbook.governance.people import (
    Person,
    courses_of,
    guardians_of,
    members_of,
    person_of,
    same_person,
    today,
    users_of,
    wards_of,
)
from rollbook.governance.roster import Told, merge, put, undo
from rollbook.store import Store
from rollbook.store.records import Records

DAY = timedelta(days=1)


class School:
    """A tenant whose roster is told bit by bit."""

    def __init__(self, store: Store, tenant: str) -> None:
        self.store, self.tenant = store, tenant
        self.today = today(store, tenant)
        self.tell(courses=[{"course_id": "maths"}, {"course_id": "art"}])

    def tell(self, **told: Any) -> None:
        """Put a roster; nothing of it may be refused."""
        assert put(self.store, self.tenant, Told.model_validate(told)).rejected == []

    def teaches(self, user: str, course: str = "maths", role: str = "educator", **more: Any) -> None:
        """Give somebody a place."""
        self.tell(memberships=[{"course_id": course, "user_id": user, "role": role} | more])

    def answers(self, guardian: str, ward: str, **more: Any) -> None:
        """Give somebody a ward."""
        self.tell(guardianships=[{"guardian_id": guardian, "ward_id": ward, "verified_by": "office"} | more])

    def courses(self, user: str) -> tuple[str, ...]:
        """What somebody teaches."""
        return courses_of(self.store, self.tenant, user)

    def wards(self, user: str) -> tuple[str, ...]:
        """For whom somebody answers."""
        return wards_of(self.store, self.tenant, user)

    def years_ago(self, years: int, days: int = 0) -> str:
        """A birth date."""
        leap = (self.today.month, self.today.day) == (2, 29)
        return str((self.today - leap * DAY).replace(year=self.today.year - years) - days * DAY)


@pytest.fixture
def school(store: Store, tenant: str) -> School:
    """A school with two courses."""
    return School(store, tenant)


def test_an_educator_has_the_courses_that_they_teach_today(school: School) -> None:
    school.teaches("tom")
    school.teaches("tom", "art", role="assistant")
    school.teaches("ida", "art", **{"from": str(school.today + DAY)})
    school.teaches("eve", "art", **{"from": "2020-01-01", "to": str(school.today)})
    school.teaches("zoe", "art", **{"from": str(school.today), "to": str(school.today + DAY)})
    assert [school.courses(user) for user in ("tom", "ida", "eve", "zoe", "", "nobody")] == [
        ("maths",), (), (), ("art",), (), (),
    ]  # fmt: skip
    assert courses_of(school.store, "elsewhere", "tom") == ()


def test_a_lost_place_is_lost_at_once(school: School) -> None:
    school.teaches("tom")
    assert school.courses("tom") == ("maths",)
    school.teaches("tom", to=str(school.today))
    assert school.courses("tom") == ()
    school.teaches("tom")
    assert school.courses("tom") == ("maths",)


def test_what_another_process_changes_is_seen_soon(school: School) -> None:
    school.teaches("tom")
    assert school.courses("tom") == ("maths",)
    other = Records(school.store.settings)
    with other.people.roster(school.tenant) as roster:
        row = {"course": "art", "user": "tom", "role": "educator", "begins": None, "ends": None}
        roster.put_memberships([row | {"source": "roster", "ref": "", "seen": ""}])
    other.close()
    deadline = time.monotonic() + 30
    while school.courses("tom") == ("maths",) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert school.courses("tom") == ("art", "maths")


def test_a_guardian_needs_somebody_who_has_verified_it(school: School) -> None:
    school.answers("mum", "ada", verified_by="")
    assert school.wards("mum") == ()
    assert guardians_of(school.store, school.tenant, "ada") == ()
    school.answers("mum", "ada")
    assert school.wards("mum") == ("ada",)
    assert guardians_of(school.store, school.tenant, "ada") == ("mum",)
    assert school.wards("ada") == ()
    school.answers("mum", "ada", to=str(school.today))
    assert school.wards("mum") == ()


@pytest.mark.parametrize(
    ("years", "days", "ward"),
    [(17, 300, True), (18, -1, True), (18, 0, False), (18, 1, False), (40, 0, False)],
)
def test_guardianship_ends_on_the_eighteenth_birthday(school: School, years: int, days: int, ward: bool) -> None:
    school.answers("mum", "ada")
    school.tell(people=[{"user_id": "ada", "birth_date": school.years_ago(years, days)}])
    assert school.wards("mum") == (("ada",) if ward else ())
    assert guardians_of(school.store, school.tenant, "ada") == (("mum",) if ward else ())


@pytest.mark.parametrize(("after", "ward"), [(-1, False), (0, False), (1, True)])
def test_guardianship_ends_in_postsecondary_education(school: School, after: int, ward: bool) -> None:
    school.answers("mum", "ada")
    begins = str(school.today + after * DAY)
    school.tell(people=[{"user_id": "ada", "birth_date": school.years_ago(16), "postsecondary_from": begins}])
    assert school.wards("mum") == (("ada",) if ward else ())


def test_of_whom_the_year_is_known_the_last_day_counts() -> None:
    born = Person("p", None, 2008, "", None)
    assert [born.age(day) for day in (date(2026, 1, 1), date(2026, 12, 30), date(2026, 12, 31))] == [17, 17, 18]
    assert not born.of_age(date(2026, 12, 30))
    assert born.of_age(date(2026, 12, 31))
    assert Person("p", None, None, "", None).age(date(2026, 1, 1)) is None
    assert not Person("p", None, None, "", None).of_age(date(2026, 1, 1))


def test_a_leap_day_birthday_is_over_in_march() -> None:
    born = Person("p", date(2008, 2, 29), None, "", None)
    assert (born.age(date(2026, 2, 28)), born.age(date(2026, 3, 1))) == (17, 18)


def test_a_member_is_who_is_there_today(school: School) -> None:
    school.teaches("tom")
    school.teaches("ada", role="learner")
    school.teaches("bob", role="learner", to=str(school.today))
    assert [(member.user, member.role) for member in members_of(school.store, school.tenant, "maths")] == [
        ("ada", "learner"),
        ("tom", "educator"),
    ]
    assert [member.user for member in members_of(school.store, school.tenant, "maths", "learner")] == ["ada"]


def test_a_merged_person_has_the_courses_and_wards_of_all_their_ids(school: School) -> None:
    school.teaches("tom")
    school.teaches("tom@home", "art")
    school.answers("tom@home", "ada@home")
    done = merge(school.store, school.tenant, "tom", "tom@home", by="key:1")
    merge(school.store, school.tenant, "ada", "ada@home", by="key:1")
    assert (done.kept, done.merged) == (("tom",), ("tom@home",))
    assert same_person(school.store, school.tenant, "tom@home") == ("tom@home", "tom")
    person = person_of(school.store, school.tenant, "tom@home")
    assert person is not None
    assert users_of(school.store, school.tenant, person.id) == ("tom", "tom@home")
    assert school.courses("tom") == school.courses("tom@home") == ("art", "maths")
    assert school.wards("tom") == ("ada", "ada@home")
    undo(school.store, school.tenant, done.merge_id, by="key:1")
    assert (school.courses("tom"), school.courses("tom@home")) == (("maths",), ("art",))
    assert (school.wards("tom"), school.wards("tom@home")) == ((), ("ada", "ada@home"))


def test_the_youngest_of_merged_records_counts(school: School) -> None:
    school.tell(
        people=[
            {"user_id": "ada", "birth_date": school.years_ago(30), "country": "de"},
            {"user_id": "ada@home", "birth_date": school.years_ago(12), "country": "fr"},
        ]
    )
    school.answers("mum", "ada")
    assert school.wards("mum") == ()
    merge(school.store, school.tenant, "ada", "ada@home", by="key:1")
    assert school.wards("mum") == ("ada", "ada@home")
    person = person_of(school.store, school.tenant, "ada")
    assert person is not None
    assert (person.age(school.today), person.country) == (12, "DE")
