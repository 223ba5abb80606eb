"""What a roster consists of, as it is told, and what became of it."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, StringConstraints, model_validator

from rollbook.governance.people import MemberRole

MOST_TRAITS = 50
MOST_IDENTITIES = 20

Kind = Literal["people", "courses", "memberships", "guardianships"]
KINDS: tuple[Kind, ...] = ("people", "courses", "memberships", "guardianships")

# PostgreSQL keeps no text with a NUL in it
NO_NUL = r"^[^\x00]*$"

Id = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=1_000, pattern=NO_NUL)]
Ref = Annotated[str, Field(max_length=256, pattern=NO_NUL, description="What the sender calls this record.")]


class Item(BaseModel):
    """One entry of a roster."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Lasting(Item):
    """An entry that holds for a time."""

    begins: date | None = Field(None, alias="from", description="The first day; null: has always held.")
    ends: date | None = Field(None, alias="to", description="The first day on which it no longer holds; null: open.")
    ref: Ref = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins and self.ends and self.ends < self.begins:
            raise ValueError(f"`to` ({self.ends}) is before `from` ({self.begins})")
        return self


class IdentityItem(Item):
    """Another id of a person."""

    scheme: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$", description="Where the id is from: `sis`, `lti`, `email`, …")
    ]
    value: Id


class PersonItem(Item):
    """What is told of a person. What is not named stays as it was, null takes it back."""

    user_id: Id = Field(description="Their user id, as in events.")
    birth_date: date | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100)] | None = Field(None, description="Where the date is not told.")
    country: Annotated[str, Field(pattern=r"^([A-Za-z]{2})?$", description="ISO 3166 country, two letters.")] | None = (
        None
    )
    postsecondary_from: date | None = Field(None, description="First day in postsecondary education.")
    traits: Annotated[dict[Id, Text | int | float | bool | None], Field(max_length=MOST_TRAITS)] | None = None
    identities: Annotated[tuple[IdentityItem, ...], Field(max_length=MOST_IDENTITIES)] = ()


class CourseItem(Item):
    """What is told of a course. What is not named stays as it was."""

    course_id: Id = Field(description="As in events.")
    title: Text | None = None
    presentation: Text | None = Field(None, description="Which run of it: a term, a year.")
    starts: date | None = None
    ends: date | None = Field(None, description="The first day after it; needs `starts`.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends and (self.starts is None or self.ends < self.starts):
            raise ValueError("`ends` needs a `starts` that is not after it")
        return self


class MembershipItem(Lasting):
    """Someone's place in a course, whole: what is not named is not known."""

    course_id: Id
    user_id: Id
    role: MemberRole = "learner"


class GuardianshipItem(Lasting):
    """Someone answers for a ward, whole: what is not named is not known. It counts once somebody has verified it."""

    ward_id: Id
    guardian_id: Id
    verified_by: Annotated[
        str, Field(max_length=256, pattern=NO_NUL, description="Who has verified it; empty: nobody yet.")
    ] = ""


# items are checked one by one, so that a wrong one does not keep the others out
class Told(BaseModel):
    """A roster, or a part of one. What it does not name stays."""

    model_config = ConfigDict(extra="forbid")

    people: list[SkipValidation[PersonItem]] = []
    courses: list[SkipValidation[CourseItem]] = []
    memberships: list[SkipValidation[MembershipItem]] = []
    guardianships: list[SkipValidation[GuardianshipItem]] = []

    def items(self, kind: Kind) -> list[Any]:
        """The entries of one kind, unchecked."""
        found: list[Any] = getattr(self, kind)
        return found


FORMS: dict[Kind, type[Item]] = {
    "people": PersonItem,
    "courses": CourseItem,
    "memberships": MembershipItem,
    "guardianships": GuardianshipItem,
}


class Counts(BaseModel):
    """What became of the entries of one kind."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


class Refusal(BaseModel):
    """An entry that was refused."""

    kind: Kind = Field(serialization_alias="list", description="Which list it stood in.")
    index: int = Field(description="Its place there, from 0.")
    reason: str


class Outcome(BaseModel):
    """What a roster changed. Entries are refused one by one; all others are kept."""

    people: Counts = Counts()
    courses: Counts = Counts()
    memberships: Counts = Counts()
    guardianships: Counts = Counts()
    rejected: list[Refusal] = []
