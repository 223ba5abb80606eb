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

# the scope's events, as narrow as they can be, since they are sorted; each with the `thread` that it belongs to: the
# hash of a session's id, or the number of the person's last start without one
THREADS = f"""
    select timestamp, type, user, person, session, content, duration, xp, achievement, reported, edge,
           if(session != '', sipHash64(session),
              sum(type = 'session_start' and session = '') over (
                  partition by person order by timestamp range between unbounded preceding and current row)) as thread
    from (
        select timestamp, type, user, person, session, content, duration,
               type in ('session_start', 'session_end') as edge, {XP} as xp,
               {ACHIEVEMENT} as achievement, {REPORTED} as reported
        from scope)
"""

# every event with the `began` and `seconds` of its thread (began is null where that is no session); one event of each
# session `opens` it
SESSIONS = f"""
    select *, edge and row_number() over (partition by person, thread order by edge desc, timestamp) = 1 as opens,
           min(if(edge, timestamp, null)) over whole as began,
           max(if(type = 'session_end', timestamp, null)) over whole as ended,
           max(if(type = 'session_end' and duration >= 0, duration, null)) over whole as given,
           if(session = '', began, max(timestamp) over whole) as latest,
           least({LONGEST_SECONDS}, coalesce(given, dateDiff('millisecond', began, ifNull(ended, latest)) / 1000, 0))
               as seconds
    from ({THREADS})
    window whole as (partition by person, thread)
"""
