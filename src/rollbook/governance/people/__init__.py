"""People: who is who, who teaches which course, who answers for whom."""

from rollbook.governance.people.people import (
    Member,
    MemberRole,
    Person,
    courses_of,
    guardians_of,
    holds,
    known,
    members_of,
    person_of,
    same_person,
    today,
    users_of,
    wards_of,
)

__all__ = [
    "Member",
    "MemberRole",
    "Person",
    "courses_of",
    "guardians_of",
    "holds",
    "known",
    "members_of",
    "person_of",
    "same_person",
    "today",
    "users_of",
    "wards_of",
]
