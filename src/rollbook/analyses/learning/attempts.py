"""Attempts: which score of several counts, in the terms of ClickHouse.

`argMax(score, (timestamp, score))` would say the same, but compares tuples one by one. Over millions of attempts that
takes twice as long as the maximum of one number: the milliseconds in its upper half, and in its lower the score's bits,
which grow with it from 0 on.
"""

_PLACED = (
    "bitOr(bitShiftLeft(toInt128(toUnixTimestamp64Milli(timestamp)), 64),"
    " toInt128(reinterpretAsUInt64(abs(assumeNotNull(score)))))"
)

# of the attempts of a group that have a score: the first, the lowest of several in the same millisecond; and the last,
# the highest of several
FIRST = f"reinterpretAsFloat64(toUInt64(min({_PLACED})))"
LATEST = f"reinterpretAsFloat64(toUInt64(max({_PLACED})))"


def in_order(only: str) -> str:
    """The scores of a group's attempts one after the other, the lowest of several in the same millisecond first.

    `only`: a condition on the events; those that meet it have a score.
    """
    return f"arrayMap(one -> reinterpretAsFloat64(toUInt64(one)), arraySort(groupArrayIf({_PLACED}, {only})))"


def grades(only: str = "") -> str:
    """A query with a row for each learner in each course: the mean of the last scores of their contents.

    `only`: a condition on the attempts besides.
    """
    besides = f"\n                      and {only}" if only else ""
    return f"""
            select any(named) as course, avg(latest) as grade
            from (
                select any(course) as named, cityHash64(course, person) as learner, cityHash64(content) as item,
                       {LATEST} as latest
                from scope
                where type in {{attempts:Array(String)}} and isNotNull(score) and person != sipHash64(''){besides}
                group by learner, item)
            group by learner"""
