"""Answered: an answer as it is sent."""

from datetime import datetime
from typing import Any, Generic

from pydantic import BaseModel, Field, PrivateAttr

from rollbook.analyses.question import A
from rollbook.errors import Forbidden
from rollbook.store.asking.answers import Found


class Before(BaseModel, Generic[A]):
    """The answer for the period before."""

    as_of: datetime = Field(description="The moment that it holds for.")
    rows: list[A]
    withheld: int = Field(0, description="Rows left out because too few people stand behind them.")
    raw_since: datetime | None = None


class Part(BaseModel, Generic[A]):
    """The answer for one part: a course, channel, source or type of events, or a segment."""

    value: str = Field(description="The course, channel, source or type, or the segment's id.")
    rows: list[A]
    withheld: int = Field(0, description="Rows left out because too few people stand behind them.")
    before: Before[A] | None = None


class Answered(BaseModel, Generic[A]):
    """An answer as it is sent: the question's name, the parameters and the moment it holds for, and its rows."""

    question: str
    parameters: dict[str, Any]
    as_of: datetime
    timezone: str
    rows: list[A]
    withheld: int = Field(0, description="Rows left out because too few people stand behind them.")
    perturbed: bool = Field(False, description="Counts carry noise that hides single people; they are not exact.")
    raw_since: datetime | None = Field(
        None, description="Set where events that the question reads have expired: from then on all are there."
    )
    before: Before[A] | None = Field(None, description="With `compare=previous`: the period before.")
    parts: list[Part[A]] | None = Field(None, description="With `breakdown`: the answer for each part.")
    withheld_parts: int = Field(0, description="Parts left out because too few people are in them, or not in them.")

    _found: Found | None = PrivateAttr(None)

    @property
    def found(self) -> Found | None:
        """What the store found, and how long ago if it was kept; None: it may not be kept."""
        return self._found

    def only(self) -> A:
        """The one row. Raises Forbidden where it is withheld."""
        return self.whole(1)[0]

    def whole(self, rows: int) -> list[A]:
        """The rows, which are so many. Raises Forbidden where some are withheld."""
        if len(self.rows) < rows:
            raise Forbidden("withheld: too few people stand behind this answer, or too few are not among them")
        return self.rows
