"""People: who is who, who teaches which course, who answers for whom, as it is today in the tenant's zone.

All users are stored ids. Answers are at most half a second old, and hold every change of this process at once.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from rollbook.store import Store
from rollbook.store.records.database import Record

MemberRole = Literal["learner", "educator", "assistant", "administrator"]

ADULT_YEARS = 18


@dataclass(frozen=True, slots=True)
class Member:
    """Someone in a course: `begins` is their first day, `ends` the first on which they are gone; None: not known."""

    user: str
    role: MemberRole
    begins: date | None
    ends: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person; `country` is "" and the others None where nobody has said.

    Where merged records disagree, the youngest age counts, so that a mistake never makes a child an adult.
    """

    id: str
    birth_date: date | None
    birth_year: int | None
    country: str
    postsecondary_from: date | None

    def age(self, day: date) -> int | None:
        """In whole years; of whom only the year of birth is known, as if born on its last day. None: not known."""
        if self.birth_date is None and self.birth_year is None:
            return None
        born = self.birth_date or date(self.birth_year or 1, 12, 31)
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def of_age(self, day: date) -> bool:
        """Whether nobody answers for them any longer: 18, or in postsecondary education. FERPA, 34 CFR 99.5."""
        if self.postsecondary_from is not None and self.postsecondary_from <= day:
            return True
        age = self.age(day)
        return age is not None and age >= ADULT_YEARS


def today(store: Store, tenant: str) -> date:
    """The tenant's calendar day."""
    return datetime.now(ZoneInfo(store.zone_of(tenant))).date()


def courses_of(store: Store, tenant: str, user: str) -> tuple[str, ...]:
    """The courses in which the user is educator now."""
    if not user:
        return ()
    people, day = store.records.people, today(store, tenant)

    def read() -> tuple[str, ...]:
        return people.courses_of(tenant, people.same_person(tenant, user), "educator", day)

    return people.recent.get(("courses", tenant, user, day), read)


def wards_of(store: Store, tenant: str, user: str) -> tuple[str, ...]:
    """For whom the user answers now: all ids of wards whose guardianship is verified, and who are not of age."""
    if not user:
        return ()
    day = today(store, tenant)

    def read() -> tuple[str, ...]:
        mine = store.records.people.same_person(tenant, user)
        held = store.records.people.guardianships(tenant, guardians=mine)
        wards = [row["ward"] for row in held if _stands(store, tenant, row, day)]
        return tuple(sorted({same for ward in wards for same in same_person(store, tenant, ward)} - set(mine)))

    return store.records.people.recent.get(("wards", tenant, user, day), read)


def guardians_of(store: Store, tenant: str, user: str) -> tuple[str, ...]:
    """Who answers for the user now: all ids of their verified guardians; nobody for whom is of age."""
    day = today(store, tenant)
    mine = same_person(store, tenant, user)
    held = store.records.people.guardianships(tenant, wards=mine)
    found = {row["guardian"] for row in held if _stands(store, tenant, row, day)}
    return tuple(sorted({same for one in found for same in same_person(store, tenant, one)} - set(mine)))


def members_of(store: Store, tenant: str, course: str, role: MemberRole | None = None) -> tuple[Member, ...]:
    """Who is in a course now, with a role if one is named."""
    day = today(store, tenant)
    rows = store.records.people.memberships(tenant, course=course)
    return tuple(
        Member(row["user"], row["role"], row["begins"], row["ends"])
        for row in rows
        if holds(row, day) and role in (None, row["role"])
    )


def users_of(store: Store, tenant: str, person: str) -> tuple[str, ...]:
    """All user ids of a person, named by the person's id, and of whom it was merged with."""
    return store.records.people.users_of(tenant, person)


def same_person(store: Store, tenant: str, user: str) -> tuple[str, ...]:
    """All user ids of the person that a user is, the given one first."""
    return store.records.people.same_person(tenant, user)


def person_of(store: Store, tenant: str, user: str) -> Person | None:
    """What is known of the person that a user is; None: they are not in the roster."""
    records = store.records.people.persons_of(tenant, user)
    return known(records) if records else None


def known(records: list[Record]) -> Person:
    """One person of the records that were merged, the one that stands for all first."""
    youngest = max(records, key=lambda row: row["birth_date"] or date(row["birth_year"] or 1, 12, 31))
    return Person(
        id=records[0]["id"],
        birth_date=youngest["birth_date"],
        birth_year=youngest["birth_year"],
        country=next((row["country"] for row in records if row["country"]), ""),
        postsecondary_from=next((day for row in records if (day := row["postsecondary_from"])), None),
    )


def holds(row: Record, day: date) -> bool:
    """Whether a membership or a guardianship has begun and not ended."""
    return (row["begins"] is None or row["begins"] <= day) and (row["ends"] is None or row["ends"] > day)


def _stands(store: Store, tenant: str, guardianship: Record, day: date) -> bool:
    if not guardianship["verified_by"] or not holds(guardianship, day):
        return False
    ward = person_of(store, tenant, guardianship["ward"])
    return ward is None or not ward.of_age(day)
