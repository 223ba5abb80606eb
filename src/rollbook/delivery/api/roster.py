"""The roster over HTTP: put it, look at a course and at a person, merge persons and part them again."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import NotFound
from rollbook.governance import roster
from rollbook.governance.granted import Calling, Tenant
from rollbook.governance.people import Person, holds, known, today
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.roster.items import Id
from rollbook.store.records.database import Record

router = APIRouter(prefix="/api/v2", tags=["people"], responses=REFUSALS)

MOST_MEMBERS = 10_000


class Lasting(BaseModel):
    """What holds for a time."""

    begins: date | None = Field(serialization_alias="from", description="The first day; null: not known.")
    ends: date | None = Field(serialization_alias="to", description="The first day on which it no longer holds.")
    now: bool = Field(description="Whether it holds today.")


class Membership(Lasting):
    """Someone's place in a course."""

    course_id: str
    user_id: str
    role: str
    source: str = Field(description="Who says so: `roster`, `oneroster`, `oulad`.")


class Guardianship(Lasting):
    """Someone answers for a ward."""

    guardian_id: str
    ward_id: str
    verified_by: str
    source: str


class CourseAnswer(BaseModel):
    """A course and who is in it."""

    course_id: str
    title: str
    presentation: str
    starts: date | None
    days: int | None
    members: list[Membership]


class Identity(BaseModel):
    """An id of a person."""

    scheme: str = Field(description="`user`: as in events.")
    value: str
    since: datetime


class MergeAnswer(BaseModel):
    """A merge of two persons."""

    merge_id: str
    made: datetime
    made_by: str
    undone: datetime | None
    undone_by: str


class PersonAnswer(BaseModel):
    """What the roster knows of a person, over all of their user ids."""

    person_id: str | None = Field(description="null: nobody has told of the person, only of memberships or guardians.")
    user_ids: list[str]
    birth_date: date | None
    birth_year: int | None
    age: int | None
    country: str
    postsecondary_from: date | None
    of_age: bool = Field(description="18, or in postsecondary education: nobody answers for them any longer.")
    traits: dict[str, Any]
    identities: list[Identity]
    memberships: list[Membership]
    guardians: list[Guardianship]
    wards: list[Guardianship]
    merges: list[MergeAnswer]


class MergeRequest(BaseModel):
    """Two users who are one person."""

    keep: Id = Field(description="A user of the person that stands for both.")
    merge: Id = Field(description="A user of the other person.")


class MergeDone(BaseModel):
    """What a merge put together, or its undoing parted."""

    merge_id: str
    kept: list[str] = Field(description="Users of the person that was kept.")
    merged: list[str] = Field(description="Users of the one that was merged into it.")


@router.put(
    "/roster",
    summary="Put a roster, or a part of one",
    responses={413: {"model": Refused, "description": f"More than {roster.MOST_ITEMS} entries."}},
)
def put_roster(store: OpenStore, tenant: Tenant, told: roster.Told) -> roster.Outcome:
    """Write people, courses, memberships and guardianships; the same again changes nothing.

    Wrong entries are refused one by one, with the reason; all others are kept.
    """
    return roster.put(store, tenant, told)


@router.get(
    "/roster/courses/{course_id:path}",
    summary="A course and its members",
    responses={404: {"model": Refused, "description": "No such course."}},
)
def show_course(
    store: OpenStore,
    tenant: Tenant,
    course_id: str,
    *,
    now: Annotated[bool, Query(description="Only who is there today.")] = False,
    limit: Annotated[int, Query(ge=1, le=MOST_MEMBERS)] = 1_000,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> CourseAnswer:
    """A course with its members by user id, past and future ones too."""
    found = store.records.course(tenant, course_id)
    if found is None:
        raise NotFound(f"there is no course {course_id!r} in the roster")
    day = today(store, tenant)
    members = [_membership(row, day) for row in store.records.people.memberships(tenant, course=course_id)]
    chosen = [member for member in members if member.now or not now][offset : offset + limit]
    return CourseAnswer(
        course_id=found["id"],
        title=found["module"],
        presentation=found["presentation"],
        starts=found["starts"],
        days=found["days"],
        members=chosen,
    )


@router.get(
    "/people/{user_id:path}",
    summary="What the roster knows of a person",
    responses={404: {"model": Refused, "description": "Nobody has told of this user."}},
)
def show_person(store: OpenStore, tenant: Tenant, user_id: str) -> PersonAnswer:
    """One person: who they are, their ids, courses, guardians, wards and merges."""
    people, day = store.records.people, today(store, tenant)
    users = people.same_person(tenant, known_as(store, tenant, user_id))
    records = people.persons_of(tenant, users[0])
    answer = _of(known(records) if records else Person("", None, None, "", None), day, records)
    answer.user_ids = list(users)
    answer.memberships = [_membership(row, day) for row in people.memberships(tenant, users=users)]
    answer.guardians = [_guardianship(row, day) for row in people.guardianships(tenant, wards=users)]
    answer.wards = [_guardianship(row, day) for row in people.guardianships(tenant, guardians=users)]
    if not (records or answer.memberships or answer.guardians or answer.wards):
        raise NotFound(f"the roster knows nobody with the user id {user_id!r}")
    if records:
        answer.identities = [Identity(**row) for row in people.identities(tenant, records[0]["id"])]
        answer.merges = [_merge(row) for row in people.merges(tenant, [record["id"] for record in records])]
    return answer


@router.post(
    "/people/merge",
    summary="Make two persons one",
    responses={409: {"model": Refused, "description": "They are one person already."}},
)
def merge_people(store: OpenStore, tenant: Tenant, caller: Calling, wanted: MergeRequest) -> MergeDone:
    """Two users are one person from now on: questions about one see the events of both. Can be undone."""
    return _done(roster.merge(store, tenant, wanted.keep, wanted.merge, by=caller.credential))


@router.post(
    "/people/merges/{merge_id}/undo",
    summary="Part two persons that were merged",
    responses={
        404: {"model": Refused, "description": "No such merge."},
        409: {"model": Refused, "description": "Undone before."},
    },
)
def undo_merge(store: OpenStore, tenant: Tenant, caller: Calling, merge_id: str) -> MergeDone:
    """They are two persons again, as before; other merges stay."""
    return _done(roster.undo(store, tenant, merge_id, by=caller.credential))


def _of(person: Person, day: date, records: list[Record]) -> PersonAnswer:
    traits: dict[str, Any] = {}
    for record in reversed(records):
        traits |= record["traits"]
    return PersonAnswer(
        person_id=person.id or None,
        user_ids=[],
        birth_date=person.birth_date,
        birth_year=person.birth_year,
        age=person.age(day),
        country=person.country,
        postsecondary_from=person.postsecondary_from,
        of_age=person.of_age(day),
        traits=traits,
        identities=[],
        memberships=[],
        guardians=[],
        wards=[],
        merges=[],
    )


def _membership(row: Record, day: date) -> Membership:
    renamed = {"course_id": row["course"], "user_id": row["user"], "now": holds(row, day)}
    return Membership(**renamed, **{name: row[name] for name in ("role", "begins", "ends", "source")})


def _guardianship(row: Record, day: date) -> Guardianship:
    renamed = {"guardian_id": row["guardian"], "ward_id": row["ward"], "now": holds(row, day)}
    return Guardianship(**renamed, **{name: row[name] for name in ("verified_by", "begins", "ends", "source")})


def _merge(row: Record) -> MergeAnswer:
    told = {name: row[name] for name in ("made", "made_by", "undone", "undone_by")}
    return MergeAnswer(merge_id=row["id"], **told)


def _done(made: roster.Merged) -> MergeDone:
    return MergeDone(merge_id=made.merge_id, kept=list(made.kept), merged=list(made.merged))
