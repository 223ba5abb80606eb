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
