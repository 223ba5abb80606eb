"""The SQL of the rollups: how a day is filled from the events, cleared, and compared with them.

Where a tenant has sealed days, those events that are gone count as `sealed_activity` keeps them.
"""

from rollbook.store.expiry.sealed import NOTHING_SEALED, Sealed, counts

STATE = """
select tenant, day, argMax(rolled, r.stamp) as rolled, argMax(zone, r.stamp) as zone, max(r.stamp) as stamp
from rollup_days as r group by tenant, day
"""

DAYS_OF_EVENTS = """
select distinct toDate(timestamp, {zone:String}) as day from events where tenant = {tenant:String} order by day
"""

_EVENTS = """
from events
where tenant = {tenant:String} and toDate(timestamp) in {utc:Array(Date)}
  and toDate(timestamp, {zone:String}) in {days:Array(Date)}
"""

_KEPT = "from sealed_activity where tenant = {tenant:String} and " + counts()


def fill(sealed: Sealed = NOTHING_SEALED) -> tuple[str, ...]:
    """Statements that fill days. Filling one that was filled before adds what has come since, so that nothing is ever
    deleted for it: activity takes the difference between the events and what it holds, learner_days and people take
    what they have already without harm.
    """
    present = _EVENTS + sealed.present()
    kept = sealed.days
    more = f" union all select day, course, user, type, events as n, seconds as s {_KEPT}" if kept else ""
    statements = [
        f"""
    insert into activity (tenant, day, course, user, type, events, seconds)
    select {{tenant:String}}, day, course, user, type, sum(n) as more, sum(s) as longer from (
        select toDate(timestamp, {{zone:String}}) as day, course, user, type, 1 as n, ifNull(duration, 0) as s {present}
        {more}
        union all
        select day, course, user, type, -events as n, -seconds as s from activity
        where tenant = {{tenant:String}} and day in {{days:Array(Date)}})
    group by day, course, user, type having more != 0 or abs(longer) > 1e-9""",
        "insert into learner_days (tenant, person, day) "
        "select distinct tenant, person, toDate(timestamp, {zone:String}) as day" + present + " and user != ''",
        "insert into people (tenant, user, first, last) "
        "select tenant, user, min(timestamp), max(timestamp)" + present + " and user != '' group by tenant, user",
    ]
    if kept:
        statements += [
            "insert into learner_days (tenant, person, day) "
            f"select distinct tenant, person, day {_KEPT} and user != ''",
            "insert into people (tenant, user, first, last) "
            f"select tenant, user, min(first), max(last) {_KEPT} and user != '' group by tenant, user",
        ]
    return tuple(statements)


FILL = fill()

# Before a tenant's days are filled anew: after a deletion, or in another zone
CLEAR = (
    "delete from people where tenant = {tenant:String}",
    "delete from learner_days where tenant = {tenant:String}",
    "delete from activity where tenant = {tenant:String}",
)

TENANTS = """
select distinct tenant from (
    select tenant from events union all select tenant from activity
    union all select tenant from learner_days union all select tenant from people)
"""

_COLD = "tenant = {tenant:String} and day not in {hot:Array(Date)}"
_KEPT_COLD = _KEPT + " and day not in {hot:Array(Date)}"


def differences(sealed: Sealed = NOTHING_SEALED) -> dict[str, str]:
    """Questions of what a rollup and the events do not agree on, by the name of the rollup."""
    events = f"""
(select *, person, toDate(timestamp, {{zone:String}}) as day from events
 where tenant = {{tenant:String}} and toDate(timestamp, {{zone:String}}) not in {{hot:Array(Date)}}{sealed.present()})
"""
    kept = bool(sealed.days)
    activity = f"union all select day, course, user, type, -events as n, -seconds as s {_KEPT_COLD}" if kept else ""
    days = f"union all select day, person, 0 as r, 1 as e {_KEPT_COLD} and user != ''" if kept else ""
    people = (
        f"union all select user, min(first) as f, max(last) as l, 0 as r {_KEPT_COLD} and user != '' group by user"
        if kept
        else ""
    )
    return {
        "activity": f"""
        select day, course, user, type, sum(n) as events_too_many, sum(s) as seconds_too_many from (
            select day, course, user, type, toInt64(events) as n, seconds as s from activity where {_COLD}
            union all
            select day, course, user, type, -1 as n, -ifNull(duration, 0) as s from {events} {activity})
        group by day, course, user, type having events_too_many != 0 or abs(seconds_too_many) > 1e-6
        order by day limit 20""",
        "learner_days": f"""
        select day, person, max(r) as in_rollup, max(e) as in_events from (
            select day, person, 1 as r, 0 as e from learner_days where {_COLD}
            union all select day, person, 0 as r, 1 as e from {events} where user != '' {days})
        group by day, person having in_rollup != in_events order by day limit 20""",
        "people": f"""
        select user, min(if(r, f, null)) as rollup_first, min(if(r, null, f)) as events_first,
               max(if(r, l, null)) as rollup_last, max(if(r, null, l)) as events_last from (
            select user, first as f, last as l, 1 as r from people where tenant = {{tenant:String}}
            union all select user, min(timestamp) as f, max(timestamp) as l, 0 as r from {events}
            where user != '' group by user {people})
        group by user
        having (events_first is not null and rollup_first is null)
            or rollup_first > events_first or rollup_last < events_last
            or (empty({{hot:Array(Date)}})
                and (events_first is null or rollup_first != events_first or rollup_last != events_last))
        order by user limit 20""",
    }
