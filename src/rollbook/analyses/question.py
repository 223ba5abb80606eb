"""The form of a question: parameters, scope, SQL, answer and chart in one declaration.

From it come the HTTP endpoint, the command, the OpenAPI schema, the docs page, the tile and the export.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollbook.analyses.chart import Chart
from rollbook.analyses.crowd import Crowd
from rollbook.governance.consent import Purpose
from rollbook.settings import Settings
from rollbook.store import Store
from rollbook.store.scope import DAY, EPOCH, MILLISECOND, Scope, start_of


class Answer(BaseModel):
    """One row of an answer."""

    model_config = ConfigDict(extra="forbid")


A = TypeVar("A", bound=Answer)


def known_zone(zone: str) -> str:
    """The zone, if there is one of that name."""
    if zone not in available_timezones():
        raise ValueError(f"no time zone {zone!r}; use a name like Europe/Zurich")
    return zone


def aware(moment: datetime) -> datetime:
    """The moment in UTC, to the millisecond; without a zone it is UTC already."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Moment = Annotated[datetime, AfterValidator(aware)]
Zone = Annotated[str, AfterValidator(known_zone)]
Days = Annotated[int, Field(ge=1, le=3660)]
Kind = Literal["query", "aggregation"]
UserId = Annotated[str, Field(min_length=1, max_length=1024)]


@dataclass(frozen=True, slots=True)
class When:
    """The "now" of one question, and the tenant's zone."""

    tenant: str
    now: datetime
    zone: str

    @property
    def today(self) -> date:
        """The calendar day of now."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def ever(self) -> Scope:
        """Everything up to now."""
        return Scope(self.tenant, self.now, EPOCH, self.zone)

    def last(self, days: int) -> Scope:
        """The last `days` x 24 hours, now included."""
        return Scope(self.tenant, self.now, self.now - timedelta(days=days) + MILLISECOND, self.zone)

    def calendar_days(self, days: int) -> Scope:
        """The last `days` calendar days, today (as far as it has come) included."""
        return Scope(self.tenant, self.now, start_of(self.today - (days - 1) * DAY, self.zone), self.zone)


class Question(BaseModel, Generic[A]):
    """A question: its fields are its parameters, `sql` reads one of the scopes, each row becomes an `A`.

    `purpose` is what it uses people's events for: those who do not consent to it are left out.
    `crowd` says who stands behind its rows; None: it is about people one by one, and not for who may see groups only.
    `kind`: whether it only counts; its answers about closed periods are kept for less time then.
    Every field is bound to the SQL under its own name, and `today` (a date), `now` and `zone` besides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sql: ClassVar[str]
    chart: ClassVar[Chart | None] = None
    purpose: ClassVar[Purpose] = "analytics"
    crowd: ClassVar[Crowd | None] = None
    kind: ClassVar[Kind] = "query"

    as_of: Moment | None = Field(None, description="Answer as if it were this moment; default: now.")
    timezone: Zone | None = Field(None, description="Zone of calendar days; default: the tenant's.")

    @classmethod
    def name(cls) -> str:
        """The name in addresses and commands: the class's, in snake_case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def answer(cls) -> type[A]:
        """The class of its rows."""
        for parent in cls.__mro__:
            metadata = getattr(parent, "__pydantic_generic_metadata__", None)
            if metadata and metadata["args"]:
                return metadata["args"][0]  # type: ignore[no-any-return]
        raise TypeError(f"{cls.__name__} must say what it answers: class {cls.__name__}(Question[…])")

    def settled(self, settings: Settings) -> Self:
        """The question with what the settings say where it leaves something to them; default: nothing."""
        return self

    def informed(self, store: Store, tenant: str) -> Self:
        """The question with what it must know from the tenant's records (prices, …); default: nothing."""
        return self

    def scope(self, when: When) -> Scope:
        """Whose events, and when; default: everything up to now."""
        return when.ever()

    def bound(self, when: When) -> dict[str, Any]:
        """What is bound to the SQL besides the scope."""
        own = self.model_dump(exclude={"as_of", "timezone"})
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        return lists | {"today": when.today, "now": when.now, "zone": when.zone}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[A]:
        """The answer from what the SQL found; default: row for row."""
        answer = self.answer()
        return [answer(**row) for row in found]
