"""Derived: columns of events that follow from their properties, for the few events that have any of it.

They are columns with a default, not materialized ones: for those ClickHouse works its expressions out at every insert,
whatever is in it, which took a microsecond and a half of processor time an event. So whoever inserts events may leave
them out; who inserts many says where nothing follows; and who changes properties says what follows then.
"""

import pyarrow as pa
import pyarrow.compute as pc

from rollbook.store.asking.conversations import COACH, RECEIVED, SENT

EVENTS = "events"
VIDEOS = ("video_play", "video_pause", "video_seek", "video_stop", "video_complete")
_SAID = tuple(dict.fromkeys((*SENT, *RECEIVED, *COACH)))
TALKING = (*_SAID, *(name.upper() for name in _SAID))
EARNING = ("xp_earned", "achievement_earned", "level_up", "streak_update")
ATTEMPTS = ("quiz_completion", "quiz_attempt", "problem_attempt", "question_answered", "assessment_completion")
ENROLMENTS, WITHDRAWALS = ("enrolment", "enrollment"), ("withdrawal", "unenrolment", "unenrollment")
# events of these types keep their properties once more, as those of a kind do
TYPES = (
    *("api_request", "api_error", "experiment_assigned", "experiment_exposed"),
    *(*VIDEOS, *EARNING, *ATTEMPTS, *ENROLMENTS, *WITHDRAWALS),
)
MARKS = ('"model_provider"', '"metric_name"')

# `text`: an expression of the properties
_KIND = (
    f"multiIf(position({{text}}, '{MARKS[0]}') > 0, 'model_usage',"
    f" position({{text}}, '{MARKS[1]}') > 0, 'system_metric',"
    f" conversation != '' or type in {TALKING}, 'conversation', '')"
)
_METRIC = (
    f"if(position({{text}}, '{MARKS[1]}') > 0"
    " and JSONType({text}, 'metric_value') in ('Int64', 'UInt64', 'Double'),"
    " JSONExtractString({text}, 'metric_name'), '')"
)
EXPRESSIONS = {
    "kind": _KIND,
    "measured": f"if({_KIND} != '' or type in {TYPES}, {{text}}, '')",
    "metric": _METRIC,
    "metric_value": f"if({_METRIC} = '', 0., JSONExtractFloat({{text}}, 'metric_value'))",
    "metric_type": (
        f"if({_METRIC} = '', '', if(JSONExtractString({{text}}, 'metric_type')"
        " in ('counter', 'histogram', 'summary', 'rate'), JSONExtractString({text}, 'metric_type'), 'gauge'))"
    ),
    "metric_unit": f"if({_METRIC} = '', '', JSONExtractString({{text}}, 'unit'))",
    "metric_tags": f"if({_METRIC} = '', map(), JSONExtract({{text}}, 'tags', 'Map(String, String)'))",
}
COLUMNS = tuple(EXPRESSIONS)


def follow(text: str) -> str:
    """Assignments for an update of events: what follows where the properties become `text`, an expression."""
    return ", ".join(f"{name} = {expression.replace('{text}', text)}" for name, expression in EXPRESSIONS.items())


def all_but(table: str) -> str:
    """What to select for all columns of a table but those that follow from its others."""
    return f"* except ({', '.join(COLUMNS)})" if table == EVENTS else "*"


def filled(rows: pa.Table) -> pa.Table:
    """Rows for the events table; where no mark is in their texts, with the columns that follow."""
    if _marked(rows):
        return rows
    return pa.Table.from_arrays([*rows.columns, *_unmarked(rows)], names=[*rows.column_names, *COLUMNS])


def _marked(rows: pa.Table) -> bool:
    """Whether a mark is in any of the texts: all are looked through at once."""
    texts = (chunk.buffers()[2] for chunk in rows["properties"].chunks)
    return any(mark in held for text in texts if text is not None for held in (text.to_pybytes(),) for mark in _SOUGHT)


def _unmarked(rows: pa.Table) -> list[pa.Array]:
    count = len(rows)
    none = pa.repeat("", count)
    ends = pa.repeat(pa.scalar(0, pa.int32()), count + 1)
    tags = pa.MapArray.from_arrays(ends, pa.array([], pa.string()), pa.array([], pa.string()))
    found = {"metric_value": pa.repeat(0.0, count), "metric_tags": tags}
    talked = pc.is_in(rows["type"], _TALKING)
    # a source whose events are never of one leaves the column out
    if "conversation" in rows.column_names:
        talked = pc.or_(talked, pc.not_equal(rows["conversation"], ""))
    kept = pc.or_(talked, pc.is_in(rows["type"], _TYPES))
    if pc.any(kept).as_py():
        found["kind"] = pc.if_else(talked, "conversation", "")
        found["measured"] = pc.if_else(kept, rows["properties"], "")
    return [found.get(name, none) for name in COLUMNS]


_TALKING, _TYPES = pa.array(TALKING), pa.array(TYPES)
_SOUGHT = [mark.encode() for mark in MARKS]
