"""Conditions: whom a segment holds, as a tree that is sent and kept as JSON."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_CONDITIONS = 20
DEEPEST = 5

Name = Annotated[str, Field(min_length=1, max_length=1024)]
# what a column of days can hold
Day = Annotated[date, Field(ge=date(1981, 1, 1), le=date(2148, 12, 31))]


class Strict(BaseModel):
    """What knows its fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Did(Strict):
    """Who did something so many times. Nothing named: any event."""

    type: Name | None = Field(None, description="Events of this type; default: of any.")
    course: Name | None = Field(None, description="In this course; default: anywhere.")
    at_least: Annotated[int, Field(ge=1, le=1_000_000, description="So many events.")] = 1
    last_days: Annotated[int, Field(ge=1, le=3660)] | None = Field(
        None, description="In the last N x 24 hours before the question's now; default: ever."
    )
    since: Day | None = Field(None, description="From this calendar day on.")
    until: Day | None = Field(None, description="Up to this calendar day, included.")

    @model_validator(mode="after")
    def one_period(self) -> Self:
        """Days are named, or counted from now."""
        if self.last_days is not None and (self.since or self.until):
            raise ValueError("take last_days, or since and until, not both")
        check_order(self.since, self.until)
        return self


class FirstSeen(Strict):
    """Whose first event ever, of any type, was on one of these calendar days."""

    since: Day | None = Field(None, description="From this day on; default: from the beginning.")
    until: Day | None = Field(None, description="Up to this day, included; default: up to now.")

    @model_validator(mode="after")
    def some_days(self) -> Self:
        """At least one end."""
        if self.since is None and self.until is None:
            raise ValueError("name since, until or both")
        check_order(self.since, self.until)
        return self


def check_order(since: date | None, until: date | None) -> None:
    """Raises ValueError for days that end before they begin."""
    if since and until and until < since:
        raise ValueError(f"until {until} is before since {since}")


class Condition(Strict):
    """One condition: exactly one of its fields is given."""

    did: Did | None = None
    first_seen: FirstSeen | None = None
    in_course: Name | None = Field(
        None, description="Who has any event in this course; what the roster says is not asked."
    )
    all: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_CONDITIONS)] | None = Field(
        None, description="Who meets all of these."
    )
    any: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_CONDITIONS)] | None = Field(
        None, description="Who meets one of these."
    )
    none_of: "Condition | None" = Field(None, alias="not", description="Everyone ever seen who does not meet this.")

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        """Which of them would be meant otherwise?"""
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            wanted = "did, first_seen, in_course, all, any, not"
            raise ValueError(f"a condition is exactly one of {wanted}; this has {len(given)}")
        return self

    def inner(self) -> tuple["Condition", ...]:
        """The conditions inside."""
        return (self.all or ()) + (self.any or ()) + ((self.none_of,) if self.none_of else ())

    def leaves(self) -> Iterator["Condition"]:
        """The conditions that hold no others."""
        if not self.inner():
            yield self
        for one in self.inner():
            yield from one.leaves()

    def depth(self) -> int:
        """How deep conditions stand in each other; one alone is 1."""
        return 1 + max((one.depth() for one in self.inner()), default=0)


def limited(condition: Condition) -> Condition:
    """The condition, if it is not too large. Raises ValueError."""
    if condition.depth() > DEEPEST:
        raise ValueError(f"conditions stand at most {DEEPEST} deep in each other")
    if (leaves := sum(1 for _ in condition.leaves())) > MOST_CONDITIONS:
        raise ValueError(f"{leaves} conditions are too many; a segment has at most {MOST_CONDITIONS}")
    return condition
