"""Sealed: which days' events are gone, as one question sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Events of these days (in this zone) received up to `upto` do not count, as far as they are still there."""

    zone: str
    upto: datetime
    days: tuple[date, ...]

    def where_present(self, prefix: str = "") -> str:
        """A condition on events: not one of these."""
        return (
            f" and not (received <= {{{prefix}leaving_upto:DateTime64(3, 'UTC')}}"
            f" and toDate(timestamp, {{{prefix}leaving_zone:String}}) in {{{prefix}leaving_days:Array(Date)}})"
        )


@dataclass(frozen=True, slots=True)
class Sealed:
    """A tenant's sealed days, and up to when each is; `leaving`: those whose events are going, or coming back."""

    days: Mapping[date, datetime] = field(default_factory=dict)
    leaving: Leaving | None = None

    def __bool__(self) -> bool:
        return bool(self.days) or self.leaving is not None

    def elsewhere(self) -> "Sealed":
        """The same for a question in another zone, to which days sealed in this one say nothing."""
        return Sealed({}, self.leaving)

    def present(self, prefix: str = "") -> str:
        """A condition on events: those that count."""
        return self.leaving.where_present(prefix) if self.leaving else ""

    def bound(self, days: Iterable[date], prefix: str = "") -> dict[str, Any]:
        """What the conditions `present` and `counts` bind, for some days."""
        chosen = sorted(day for day in set(days) if day in self.days)
        leaving = self.leaving or Leaving("UTC", EPOCH, ())
        return {
            # never empty, for `transform`; nothing was received by 1970
            f"{prefix}sealed_days": [(day - EPOCH.date()).days for day in chosen] or [0],
            f"{prefix}sealed_upto": [_milliseconds(self.days[day]) for day in chosen] or [0],
            f"{prefix}leaving_zone": leaving.zone,
            f"{prefix}leaving_upto": leaving.upto,
            f"{prefix}leaving_days": list(leaving.days),
        }

    def first_raw_day(self) -> date | None:
        """From this day on all events are there; None: they always were."""
        return max(self.days) + timedelta(days=1) if self.days else None


NOTHING_SEALED = Sealed()


def counts(prefix: str = "") -> str:
    """A condition on sealed_activity: rows of the bound days that count. In numbers: a mutation writes arrays of times
    in a form that it cannot read again.
    """
    days, upto = f"{{{prefix}sealed_days:Array(Int32)}}", f"{{{prefix}sealed_upto:Array(Int64)}}"
    return (
        f"toInt32(day) in {days}"
        f" and toUnixTimestamp64Milli(upto) <= transform(toInt32(day), {days}, {upto}, toInt64(-1))"
    )


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
