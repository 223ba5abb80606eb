"""Scope: whose events, and when. Every question reads a scope, never a table, so none can forget the tenant.

Days that are rolled up and lie whole in the scope are read from the rollups, all others from the events themselves;
so an answer is exact the moment an event is acknowledged, whatever the rollups have reached.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from rollbook.store.asking.conversations import MARGIN, conversations
from rollbook.store.expiry.sealed import NOTHING_SEALED, Sealed, counts

MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_DATE = date(2149, 6, 6)

# a list of 100,000 names in a condition keeps ClickHouse's planner busy for half a minute, a subquery of them does not
MOST_LITERAL_USERS = 1_000

# scopes that are read from the events alone
RAW = ("scope", "conversations_scope", "texts_scope")

# `user != ''`, but reading a third of the bytes
SOMEBODY = "person != sipHash64('')"

Column = Literal["channel", "source", "type"]
_COLUMNS: dict[Column, str] = {"channel": "channel", "source": "source", "type": "type"}

# what the rollups keep of events that are gone
_KEPT = "from sealed_activity where tenant = {scope_tenant:String} and " + counts("scope_")
_KEPT_EVER = "from sealed_activity where tenant = {scope_tenant:String} and " + counts("scope_ever_")


@dataclass(frozen=True, slots=True)
class Members:
    """People who alone are looked at: a SELECT of their `person`, and what is bound to it."""

    sql: str
    bound: Mapping[str, Any]
    raw_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """`tenant`'s events from `begin` to `until`, both included (milliseconds); of `users` only, where some are named.

    `courses`: only what was done in them, as if there were nothing else. `left_out`: people of whom nothing is read.
    `members`: of all others nothing is read either; the empty user is none of them. `only`: events with this value in a
    column, as if there were nothing else; no rollup knows that, so that nothing is rolled (`hot` None), nor kept.

    `zone` is the zone whose days the question counts. `hot` are the days (in the tenant's zone) that are not rolled up;
    None: nothing is (the question counts the days of another zone than the rollups'). `sealed`: days whose events are
    gone; where their rollups are not read, what is kept of them is, as far as they lie whole in the scope.

    `people_scope` says of everyone when they came first and last, except of those who came again after `until`: they
    are `late`, and `late_days_scope` has their days instead. `cuts` are moments that the question tells apart: on the
    days in which they fall `late_days_scope` knows the `moment`s; elsewhere it may know only the day, and says 1970.

    `conversations_scope` has a row for each conversation that began in the scope, or since `talks_since` where that is
    set. `texts_scope` has what the scope's people said in messages, as far as it was received since `texts_since`; who
    reads it joins it with `scope`, which knows the rest.
    """

    tenant: str
    until: datetime
    begin: datetime = EPOCH
    zone: str = "UTC"
    users: tuple[str, ...] | None = None
    hot: Set[date] | None = None
    cuts: tuple[datetime, ...] = ()
    courses: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    sealed: Sealed = NOTHING_SEALED
    members: Members | None = None
    talks_since: datetime | None = None
    texts_since: datetime = EPOCH
    only: tuple[Column, str] | None = None

    def sql(self, question: str) -> str:
        """The question with its scopes in front. Only those are written that the question names."""
        ctes = [f"members as ({self.members.sql})"] if self.members else []
        ctes += [f"{name} as ({text})" for name, text in self._texts().items() if _names(question, name)]
        body = question.strip().rstrip(";")
        return f"with {', '.join(ctes)}{', ' + body[5:] if body[:5].lower() == 'with ' else ' ' + body}"

    def parameters(self) -> dict[str, Any]:
        """What the scopes bind; every name starts with `scope_`."""
        whole = self._whole_days()
        raw = self._raw_days()
        return {
            "scope_tenant": self.tenant,
            "scope_begin": self.begin,
            "scope_begin_day": _day(self.begin),
            "scope_talks_since": self.talks_since or self.begin,
            "scope_talks_from": self._talks_from(),
            "scope_talks_from_day": _day(self._talks_from()),
            "scope_texts_since": self.texts_since,
            "scope_until": self.until,
            "scope_until_day": _day(self.until),
            "scope_first_day": whole[0],
            "scope_last_day": whole[1],
            "scope_zone": self.zone,
            "scope_users": list(self.users or ()),
            "scope_courses": list(self.courses or ()),
            "scope_left_out": list(self.left_out),
            "scope_only": self.only[1] if self.only else "",
            "scope_raw_days": raw,
            "scope_raw_utc_days": utc_days(raw, self.zone),
            "scope_hot_days": sorted(self.hot or ()),
            "scope_hot_utc_days": utc_days(sorted(self.hot or ()), self.zone),
            **self.sealed.bound(self._kept_days(), "scope_"),
            **self.sealed.bound(self._kept_ever(), "scope_ever_"),
            **(self.members.bound if self.members else {}),
        }

    def raw_since(self, question: str, *, whole: bool = True) -> datetime | None:
        """From when on all events are there that the question reads; None: all that it reads is there.

        `whole`: it counts the days of the tenant's zone, so that rollups answer it.
        """
        first = self.sealed.first_raw_day()
        if first is None or (since := start_of(first, self.zone)) <= self.begin:
            return None
        raw = not whole or self.only is not None or any(_names(question, one) for one in RAW)
        reads_raw = raw or self._cut_days() & self.sealed.days.keys()
        return since if reads_raw else None

    def _texts(self) -> dict[str, str]:
        return {
            "not_taken_scope": f"select quarter, source, reason, events from not_taken where {self._not_taken()}",
            "scope": f"select *, person from events where {self._events()}",
            "activity_scope": self._split(
                f"select day, course, user, person, type, events, seconds from activity where true{self._of_courses()}",
                "select toDate(timestamp, {scope_zone:String}) as day, course, user, person, type, 1 as events,"
                " ifNull(duration, 0) as seconds from events where true",
                kept=f"select day, course, user, person, type, events, seconds {_KEPT}{self._of_courses()}",
            ),
            "learner_days_scope": self._learner_days(),
            "late_days_scope": self._late_days(),
            "people_scope": self._people(),
            "conversations_scope": conversations(self._events("scope_talks_from")),
            "texts_scope": "select id, timestamp, text from message_texts final where tenant = {scope_tenant:String}"
            f" and received >= {{scope_texts_since:DateTime64(3, 'UTC')}}{self._known_users('sipHash64(user)')}",
        }

    def _events(self, begin: str = "scope_begin") -> str:
        """Conditions on events. The table's key begins with the days: unless these are told, all of the tenant's events
        are read.
        """
        return (
            "tenant = {scope_tenant:String}"
            f" and toDate(timestamp) >= {{{begin}_day:Date}} and toDate(timestamp) <= {{scope_until_day:Date}}"
            f" and timestamp >= {{{begin}:DateTime64(3, 'UTC')}} and timestamp <= {{scope_until:DateTime64(3, 'UTC')}}"
            f"{self._named_users()}{self.sealed.present('scope_')}"
        )

    def _talks_from(self) -> datetime:
        return max(EPOCH + MARGIN, self.talks_since or self.begin) - MARGIN

    def _not_taken(self) -> str:
        """What was not taken is nobody's: who sees some people only sees none of it."""
        narrowed = self.users is not None or self.courses is not None or self.members or self.only
        return (
            "tenant = {scope_tenant:String} and quarter >= {scope_begin:DateTime64(3, 'UTC')}"
            f" and quarter <= {{scope_until:DateTime64(3, 'UTC')}}{' and false' if narrowed else ''}"
        )

    def _known_users(self, person: str = "person") -> str:
        """Conditions that keep the named, and not those left out."""
        named = ""
        if self.users is not None:
            named = f" and user in {_listed('{scope_users:Array(String)}', len(self.users))}"
        if self.left_out:
            named += f" and user not in {_listed('{scope_left_out:Array(String)}', len(self.left_out))}"
        return named + self._of_members(person)

    def _named_users(self) -> str:
        """The same for events, which have a course besides."""
        only = f" and {_COLUMNS[self.only[0]]} = {{scope_only:String}}" if self.only else ""
        return self._known_users() + self._of_courses() + only

    def _of_courses(self) -> str:
        return " and course in {scope_courses:Array(String)}" if self.courses is not None else ""

    def _named_people(self) -> str:
        """The same by the hash of the name."""
        hashed = "(select sipHash64(arrayJoin({%s:Array(String)})))"
        named = f" and person in {hashed % 'scope_users'}" if self.users is not None else ""
        named += f" and person not in {hashed % 'scope_left_out'}" if self.left_out else ""
        return named + self._of_members()

    def _of_members(self, person: str = "person") -> str:
        return f" and {person} in (select person from members)" if self.members else ""

    def _learner_days(self) -> str:
        raw = f"select person, toDate(timestamp, {{scope_zone:String}}) as day from events where {SOMEBODY}"
        kept = f"select person, day {_KEPT} and {SOMEBODY}{self._of_courses()}"
        if self.courses is None:
            return self._split("select person, day from learner_days where true", raw, kept=kept)
        # learner_days does not know where somebody was
        rolled = f"select person, day from activity where {SOMEBODY}{self._of_courses()}"
        return self._split(rolled, raw, " group by person, day having sum(events) > 0", kept=kept)

    def _split(self, rolled: str, raw: str, tail: str = "", *, kept: str) -> str:
        """Whole rolled days from the rollup; all other days, and all days of another zone, from the events and what is
        kept of those that are gone.
        """
        first, last = self._whole_days()
        gone = [f"{kept}{self._named_people()}"] if self._kept_days() else []
        if self.hot is None or first > last:
            return " union all ".join([f"{raw} and {self._events()}", *gone])
        parts = [
            f"{rolled} and tenant = {{scope_tenant:String}} and day >= {{scope_first_day:Date}}"
            " and day <= {scope_last_day:Date} and day not in {scope_raw_days:Array(Date)}"
            f"{self._named_people()}{tail}"
        ]
        if self._raw_days():
            parts.append(
                f"{raw} and {self._events()} and toDate(timestamp) in {{scope_raw_utc_days:Array(Date)}}"
                " and toDate(timestamp, {scope_zone:String}) in {scope_raw_days:Array(Date)}"
            )
        return " union all ".join(parts + gone)

    def _people(self) -> str:
        """Everyone ever seen by `until`, never cut by `begin`: "first came" means ever."""
        upto = "timestamp <= {scope_until:DateTime64(3, 'UTC')}"
        tenant = "tenant = {scope_tenant:String}"
        rolled = self.hot is not None and self.courses is None
        parts = []
        if rolled:
            parts.append(
                f"select user as name, person, first as f, last as l from people where {tenant}{self._known_users()}"
            )
        if not rolled or self.hot:
            hot = (
                " and toDate(timestamp) in {scope_hot_utc_days:Array(Date)}"
                " and toDate(timestamp, {scope_zone:String}) in {scope_hot_days:Array(Date)}"
                if rolled
                else ""
            )
            parts.append(
                "select any(user) as name, person, min(timestamp) as f, max(timestamp) as l from events"
                f" where {tenant} and {SOMEBODY} and {upto}{hot}{self._named_users()}{self.sealed.present('scope_')}"
                " group by person"
            )
        if self._kept_ever():
            parts.append(
                "select any(user) as name, person, min(first) as f, max(last) as l"
                f" {_KEPT_EVER} and {SOMEBODY}{self._named_users()} group by person"
            )
        return (
            "select any(name) as user, person, min(f) as first, max(l) as last,"
            f" last > {{scope_until:DateTime64(3, 'UTC')}} as late from ({' union all '.join(parts)})"
            " group by person having first <= {scope_until:DateTime64(3, 'UTC')}"
        )

    def _late_days(self) -> str:
        """The days of the late. Few are, unless "now" is long ago; where nobody is, the keys let nothing be read."""
        late = (
            "from people where tenant = {scope_tenant:String} and last > {scope_until:DateTime64(3, 'UTC')}"
            + self._known_users()
        )
        raw = "select person, toDate(timestamp, {scope_zone:String}) as day, timestamp as moment from events where "
        if self.hot is None or self.courses is not None:
            # people_scope reads the events up to `until`, so that it knows of everyone
            return f"{raw} false"
        return self._split(
            "select person, day, toDateTime64(0, 3, 'UTC') as moment from learner_days"
            f" where person in (select person {late})",
            f"{raw} user in (select user {late})",
            kept="select person, day, toDateTime64(0, 3, 'UTC') as moment"
            f" {_KEPT} and person in (select person {late})",
        )

    def _kept_days(self) -> set[date]:
        """Sealed days that lie whole in the scope, and whose rollups are not read."""
        if self.only is not None:
            return set()
        first, last = self._whole_days()
        whole = {day for day in self.sealed.days if first <= day <= last}
        return whole if self.hot is None else whole.intersection(self._raw_days())

    def _kept_ever(self) -> set[date]:
        """The same for people, whom the scope never cuts at its begin."""
        if self.only is not None:
            return set()
        if self.hot is not None and self.courses is None:
            return set(self.sealed.days.keys() & self.hot)
        last = self._whole_days()[1]
        return {day for day in self.sealed.days if day <= last}

    def _whole_days(self) -> tuple[date, date]:
        """First and last day that lie whole in the scope; the first is after the last where none does."""
        first, last = first_whole_day(self.begin, self.zone), self.until.astimezone(ZoneInfo(self.zone)).date()
        if start_of(last + DAY, self.zone) - MILLISECOND > self.until:
            last -= DAY
        return first, last

    def _raw_days(self) -> list[date]:
        """Days in the scope that are read from the events: hot ones, and those that it cuts or in which a cut falls."""
        zone = ZoneInfo(self.zone)
        begin, until = self.begin.astimezone(zone).date(), self.until.astimezone(zone).date()
        return sorted(self._cut_days() | {day for day in self.hot or () if begin <= day <= until})

    def _cut_days(self) -> set[date]:
        """Days that the scope cuts, or in which a cut falls."""
        zone = ZoneInfo(self.zone)
        begin, until = self.begin.astimezone(zone).date(), self.until.astimezone(zone).date()
        first, last = self._whole_days()
        cut = {day for day in (begin, until) if not first <= day <= last}
        for moment in self.cuts:
            day = moment.astimezone(zone).date()
            cut |= {day} if begin <= day <= until and start_of(day, self.zone) < moment else set()
        return cut


def _day(moment: datetime) -> date:
    """The UTC day, as far as a Date goes."""
    return min(max(moment.astimezone(UTC).date(), EPOCH.date()), LAST_DATE)


def start_of(day: date, zone: str) -> datetime:
    """When a calendar day begins in a zone, in UTC; where the clock jumps over midnight, the moment of the jump."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def first_whole_day(moment: datetime, zone: str) -> date:
    """The first calendar day in a zone that begins at the moment or later."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    return day if start_of(day, zone) >= moment else day + DAY


def utc_days(days: list[date], zone: str | None = None) -> list[date]:
    """The UTC days that can hold an event of those days in the zone (None: any); the events' key is in UTC."""
    if zone is None:
        return sorted({day + shift * DAY for day in days for shift in (-1, 0, 1)})
    bounds = ((start_of(day, zone).date(), (start_of(day + DAY, zone) - MILLISECOND).date()) for day in days)
    return sorted({day for bound in bounds for day in bound})


def _listed(bound: str, size: int) -> str:
    """A bound list in a condition; a long one as a subquery."""
    return bound if size <= MOST_LITERAL_USERS else f"(select arrayJoin({bound}))"


def _names(question: str, scope: str) -> bool:
    return any(word.strip("(),;") == scope for word in question.split())
