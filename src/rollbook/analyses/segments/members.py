"""Members: the people of a segment as SQL, as of a question's now, and of those only whom the question may see."""

import dataclasses
import re
from datetime import date
from typing import Any

from rollbook.analyses.question import When
from rollbook.analyses.segments.conditions import Condition, Did
from rollbook.store import Scope, Store
from rollbook.store.scope import DAY, EPOCH, MILLISECOND, Members, start_of

EVERYONE = "select person from people_scope"

DID = """
    select person
    from activity_scope
    where person != sipHash64('') and (not {by_type:Bool} or type = {of_type:String})
      and (not {by_course:Bool} or course = {of_course:String})
    group by person
    having sum(events) >= {at_least:UInt64}
    """

FIRST_SEEN = """
    select person
    from people_scope
    where toDate(first, {zone:String}) between {since:Date} and {until:Date}
    """

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2149, 6, 6)


@dataclasses.dataclass(slots=True)
class _Parts:
    """What is written so far: each leaf reads a scope of its own, under names of its own."""

    scope: Scope
    when: When
    bound: dict[str, Any] = dataclasses.field(default_factory=dict)
    raw_since: list[Any] = dataclasses.field(default_factory=list)
    leaves: int = 0

    def leaf(self, sql: str, scope: Scope, own: dict[str, Any]) -> str:
        """A SELECT of people; all that it binds is named after its number."""
        number, self.leaves = self.leaves, self.leaves + 1
        text = scope.sql(sql)
        for name, value in (scope.parameters() | own).items():
            if "{" + name + ":" in text:
                self.bound[f"m{number}_{name}"] = value
        since = scope.raw_since(sql, whole=scope.hot is not None)
        self.raw_since += [since] if since else []
        return re.sub(r"\{(\w+):", rf"{{m{number}_\1:", text)


def members(condition: Condition, scope: Scope, when: When) -> Members:
    """Who meets the condition, among the people and courses of a scope, whatever its beginning."""
    ever = dataclasses.replace(scope, begin=EPOCH, until=when.now, cuts=(), members=None)
    parts = _Parts(ever, when)
    everyone = parts.leaf(EVERYONE, ever, {})
    sql = f"select person from ({everyone}) where {_written(condition, parts)}"
    return Members(sql, parts.bound, max(parts.raw_since, default=None))


def people(store: Store, scope: Scope) -> int:
    """How many people a scope holds, ever."""
    ever = dataclasses.replace(scope, begin=EPOCH)
    sql = ever.sql("select count() as people from people_scope")
    bound = {name: value for name, value in ever.parameters().items() if "{" + name + ":" in sql}
    found: int = store.engine.query(sql, bound)[0]["people"]
    return found


def _written(condition: Condition, parts: _Parts) -> str:
    if condition.all or condition.any:
        word = " and " if condition.all else " or "
        return "(" + word.join(_written(one, parts) for one in condition.inner()) + ")"
    if condition.none_of:
        return f"(not {_written(condition.none_of, parts)})"
    return f"(person in ({_leaf(condition, parts)}))"


def _leaf(condition: Condition, parts: _Parts) -> str:
    if seen := condition.first_seen:
        days = {"since": seen.since or FIRST_DAY, "until": seen.until or LAST_DAY}
        return parts.leaf(FIRST_SEEN, parts.scope, {"zone": parts.when.zone} | days)
    did = condition.did or Did(course=condition.in_course)
    own = {"by_type": did.type is not None, "of_type": did.type or "", "at_least": did.at_least}
    own |= {"by_course": did.course is not None, "of_course": did.course or ""}
    return parts.leaf(DID, _period(did, parts), own)


def _period(did: Did, parts: _Parts) -> Scope:
    """The scope of the days in which something was to be done."""
    now, zone = parts.when.now, parts.when.zone
    if did.last_days is not None:
        return dataclasses.replace(parts.scope, begin=now - did.last_days * DAY + MILLISECOND)
    begin = start_of(did.since, zone) if did.since else EPOCH
    until = min(now, start_of(did.until + DAY, zone) - MILLISECOND) if did.until else now
    # nothing is read of days that have not come yet
    return dataclasses.replace(parts.scope, begin=begin, until=max(until, begin - MILLISECOND))
