"""Each: the measures of every learner in one query, as analyses/learner/measures.py adds them up for one."""

from rollbook.analyses.learner.measures import COMPLETED, SESSION, STARTED

# 1 a session's start, 2 content started, 3 content completed (and so started)
_ROLES = {SESSION: 1} | dict.fromkeys(sorted(STARTED), 2) | dict.fromkeys(sorted(COMPLETED), 3)
_SQL = """
    select <key> as <name>,
           if(count() = 0, null, max(timestamp)) as last,
           countIf(role = 1 and recent) as sessions,
           sumIf(seconds, recent) as seconds,
           uniqExactIf(thing, thing != '' and role in (2, 3) and recent)
               + countIf(thing = '' and role in (2, 3) and recent) as started,
           uniqExactIf(thing, thing != '' and role = 3 and recent) + countIf(thing = '' and role = 3 and recent)
               as completed,
           avgOrNullIf(points, quiz and recent) as score,
           uniqExactIf(thing, thing != '' and role in (2, 3)) + countIf(thing = '' and role in (2, 3))
               as started_ever,
           uniqExactIf(thing, thing != '' and role = 3) + countIf(thing = '' and role = 3) as completed_ever,
           avgOrNullIf(points, quiz) as score_ever,
           uniqExactIf(topic, topic != '' and passed) + countIf(topic = '' and passed) as concepts
    from (
        select user, person, timestamp, timestamp >= {window_begin:DateTime64(3, 'UTC')} as recent,
               ifNull(duration, 0) as seconds,
               type = 'quiz_completion' and isNotNull(score) as quiz,
               least(greatest(ifNull(score, 0), 0), 100) as points,
               quiz and points >= 70 and timestamp >= {velocity_begin:DateTime64(3, 'UTC')} as passed,
               transform(type,
                         <types>,
                         <roles>, 0) as role,
               multiIf(type = 'course_complete' and course != '', concat('course ', course),
                       content != '', concat('content ', content), '') as thing,
               if(concept != '', concat('concept ', concept), thing) as topic
        from scope)
    where user != ''<more> group by <name>
    """


def measured(key: str, name: str, more: str = "") -> str:
    """A query whose rows are Measures, one for each `key` (an expression of `user`), called `name`.

    `more`: which of the learners, as a condition; all of them if it is empty.
    """
    parts = {
        "key": key,
        "name": name,
        "more": f" and {more}" if more else "",
        "types": str(list(_ROLES)),
        "roles": str(list(_ROLES.values())),
    }
    sql = _SQL
    for part, text in parts.items():
        sql = sql.replace(f"<{part}>", text)
    return sql
