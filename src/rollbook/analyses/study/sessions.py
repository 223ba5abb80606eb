"""Sessions: which session an event belongs to, and how long it took; what several questions put around the scope.

A session is what has a `session_start` or a `session_end`. Events with a session id belong to it. Those without belong
to the person's last `session_start` without one; several of them in the same millisecond are one.

It begins with the first of its starts and ends. Its length is the `duration` (seconds) of its ends, the longest where
several say so; else the time from its beginning to its last end; else, where it has an id, to its last event; else 0.
It is never more than a day: whoever forgot to end it has not learned all week.
"""

from typing import Annotated

from pydantic import Field

from rollbook.analyses.study.amounts import ACHIEVEMENT, REPORTED, XP

LONGEST_SECONDS = 86_400

PersonId = Annotated[str, Field(max_length=1024)]

_EVENT = f"""
        timestamp, type, user, person, session, content, duration, type in ('session_start', 'session_end') as edge,
        {XP} as xp, {ACHIEVEMENT} as achievement, {REPORTED} as reported"""

# the scope's events, each with the `thread` that it belongs to: one of a person's sessions, or what is in none; those
# after the end of a session without an id are not `inside`. Only events without an id have to be sorted.
THREADS = f"""
    select {_EVENT}, cityHash64(person, session) as thread, true as inside from scope where session != ''
    union all
    select *, timestamp <= ifNull(max(if(type = 'session_end', timestamp, null)) over (partition by thread), timestamp)
    from (
        select {_EVENT}, cityHash64(person, sum(type = 'session_start') over (
                   partition by person order by timestamp range between unbounded preceding and current row)) as thread
        from scope where session = '')
"""


def _of_threads(over: str = "") -> str:
    """When the session of a thread with an edge `began` and `ended`, and the `seconds` it took."""
    given = f"maxOrNullIf(duration, type = 'session_end' and duration >= 0) {over}"
    latest = f"if(any(session) {over} = '', began, max(timestamp) {over})"
    return f"""
           minIf(timestamp, edge) {over} as began, maxOrNullIf(timestamp, type = 'session_end') {over} as ended,
           least({LONGEST_SECONDS}, coalesce(
               {given}, dateDiff('millisecond', began, ifNull(ended, {latest})) / 1000)) as seconds"""


# columns of events grouped by thread
SESSION = _of_threads()

# every event with the session of its thread, for few people; one event of each session `opens` it
SESSIONS = f"""
    select *, edge and row_number() over (partition by thread order by edge desc, timestamp) = 1 as opens,
           {_of_threads("over whole")}
    from ({THREADS})
    window whole as (partition by thread)
"""
