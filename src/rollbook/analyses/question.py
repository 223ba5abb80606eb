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
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment lies outside of the calendar") from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Moment = Annotated[datetime, AfterValidator(aware)]
Zone = Annotated[str, AfterValidator(known_zone)]
Days = Annotated[int, Field(ge=1, le=3660)]
Kind = Literal["query", "aggregation"]
UserId = Annotated[str, Field(min_length=1, max_length=1024)]
SEGMENT = "[a-z0-9][a-z0-9_-]{0,63}"
SegmentId = Annotated[str, Field(pattern=f"^{SEGMENT}$")]
Breakdown = Annotated[str, Field(pattern=f"^(course|channel|source|type|segment:{SEGMENT}(,{SEGMENT}){{0,19}})$")]


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
    Every field of its own is bound to the SQL under its name, and `today` (a date), `now` and `zone` besides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sql: ClassVar[str]
    chart: ClassVar[Chart | None] = None
    purpose: ClassVar[Purpose] = "analytics"
    crowd: ClassVar[Crowd | None] = None
    kind: ClassVar[Kind] = "query"

    as_of: Moment | None = Field(None, description="Answer as if it were this moment; default: now.")
    timezone: Zone | None = Field(None, description="Zone of calendar days; default: the tenant's.")
    segment: SegmentId | None = Field(None, description="Only the people of this segment, as of the answer's moment.")
    breakdown: Breakdown | None = Field(
        None,
        description="For each `course`, `channel`, `source` or `type` (the 20 with most events), or `segment:a,b`.",
    )
    compare: Literal["previous"] | None = Field(None, description="`previous`: also for the period before.")

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
        own = self.model_dump(exclude=OF_ALL)
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        return lists | {"today": when.today, "now": when.now, "zone": when.zone}

    @property
    def splits(self) -> bool:
        """Whether its own SQL answers the breakdown, in the answer's rows."""
        return False

    def before(self, when: When) -> datetime | None:
        """As of when the period before is asked about; None: the question has no period.

        Where it counts calendar days, the clocks then show what they show now.
        """
        lengths = [getattr(self, name, None) for name in PERIODS]
        days = max((length for length in lengths if isinstance(length, int)), default=None)
        if days is None:
            return None
        zone, begin = ZoneInfo(when.zone), self.scope(when).begin
        if begin != EPOCH and begin == start_of(begin.astimezone(zone).date(), when.zone):
            return (when.now.astimezone(zone) - days * DAY).astimezone(UTC)
        return when.now - days * DAY

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[A]:
        """The answer from what the SQL found; default: row for row."""
        answer = self.answer()
        return [answer(**row) for row in found]


# what every question takes
OF_ALL = set(Question.model_fields)
SHARED = OF_ALL - {"as_of", "timezone"}
# parameters that say how many days a question's period has
PERIODS = ("days", "period", "window")


def parameters(question: Question[Any]) -> dict[str, Any]:
    """The parameters as an answer repeats them: its own, and of those that every question takes what was given."""
    shared = {name for name in SHARED if getattr(question, name) is None}
    return question.model_dump(exclude={"as_of", "timezone"} | shared, mode="json")
