"""The SQL of the rollups: how a day is filled from the events, cleared, and compared with them."""

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

# Filling a day that was filled before adds what has come since, so that nothing is ever deleted for it: activity takes
# the difference between the events and what it holds, learner_days and people take what they have already without harm.
FILL = (
    f"""
    insert into activity (tenant, day, course, user, type, events, seconds)
    select {{tenant:String}}, day, course, user, type, sum(n) as more, sum(s) as longer from (
        select toDate(timestamp, {{zone:String}}) as day, course, user, type, 1 as n, ifNull(duration, 0) as s {_EVENTS}
        union all
        select day, course, user, type, -events as n, -seconds as s from activity
        where tenant = {{tenant:String}} and day in {{days:Array(Date)}})
    group by day, course, user, type having more != 0 or abs(longer) > 1e-9""",
    "insert into learner_days (tenant, person, day) "
    "select distinct tenant, person, toDate(timestamp, {zone:String}) as day" + _EVENTS + "and user != ''",
    "insert into people (tenant, user, first, last) "
    "select tenant, user, min(timestamp), max(timestamp)" + _EVENTS + "and user != '' group by tenant, user",
)

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
_COLD_EVENTS = """
(select *, person, toDate(timestamp, {zone:String}) as day from events
 where tenant = {tenant:String} and toDate(timestamp, {zone:String}) not in {hot:Array(Date)})
"""

DIFFERENCES = {
    "activity": f"""
        select day, course, user, type, sum(n) as events_too_many, sum(s) as seconds_too_many from (
            select day, course, user, type, toInt64(events) as n, seconds as s from activity where {_COLD}
            union all
            select day, course, user, type, -1 as n, -ifNull(duration, 0) as s from {_COLD_EVENTS})
        group by day, course, user, type having events_too_many != 0 or abs(seconds_too_many) > 1e-6
        order by day limit 20""",
    "learner_days": f"""
        select day, person, max(r) as in_rollup, max(e) as in_events from (
            select day, person, 1 as r, 0 as e from learner_days where {_COLD}
            union all select day, person, 0 as r, 1 as e from {_COLD_EVENTS} where user != '')
        group by day, person having in_rollup != in_events order by day limit 20""",
    "people": f"""
        select user, min(if(r, f, null)) as rollup_first, min(if(r, null, f)) as events_first,
               max(if(r, l, null)) as rollup_last, max(if(r, null, l)) as events_last from (
            select user, first as f, last as l, 1 as r from people where tenant = {{tenant:String}}
            union all select user, min(timestamp) as f, max(timestamp) as l, 0 as r from {_COLD_EVENTS}
            where user != '' group by user)
        group by user
        having (events_first is not null and rollup_first is null)
            or rollup_first > events_first or rollup_last < events_last
            or (empty({{hot:Array(Date)}})
                and (events_first is null or rollup_first != events_first or rollup_last != events_last))
        order by user limit 20""",
}
