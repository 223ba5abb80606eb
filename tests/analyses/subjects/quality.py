"""Quality: how good the data is, what is in it, what is wrong with it."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import DAYS, World, some_event
from tests.stories import happened

DELAYS = (
    timedelta(),
    timedelta(hours=1),
    timedelta(hours=1, milliseconds=1),
    -timedelta(minutes=1),
    -timedelta(hours=1),
)
PROPERTIES = (
    "{}",
    '{"a":1,"b":"x"}',
    '{"a":1.5,"b":null,"c":{"context":true}}',
    '{"problems":["no"],"context":{"page":"x"}}',
    '{"context":{"problems":["answers[3]: bad","answers[12]: bad","score: worse"]},"a":[1]}',
    '{"a":false,"context":{"problems":["score: worse"]}}',
)
SPELLINGS = ("quiz_completion", "Quiz-Completion", "content_view", "contentView", "page_view", "course_complete")
SOURCES = ("", "app", "web")


@st.composite
def any_event(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """One event that may be wrong in any way."""
    event = draw(some_event(anchor, now, zone))
    return event | {
        "type": draw(st.sampled_from(SPELLINGS)),
        "source": draw(st.sampled_from(SOURCES)),
        "session": draw(st.sampled_from(("", "s1"))),
        "dialect": draw(st.sampled_from(("native", "native", "import_csv"))),
        "received": event["timestamp"] + draw(st.sampled_from(DELAYS)),
        "properties": draw(st.sampled_from(PROPERTIES)),
        "duration": draw(st.sampled_from((None, 0.0, 30.0, -1.0, 86_400.0, 86_401.0))),
    }


def _quality(world: World) -> Strategies:
    fields = st.sets(st.sampled_from(("user", "source", "session", "course", "content")))
    return {
        "days": DAYS,
        "source": st.none() | st.sampled_from(SOURCES),
        "expected": fields.map(sorted),
        "late_after_seconds": st.sampled_from((0, 3600)),
    }


def _problems(world: World) -> Strategies:
    return {"days": DAYS}


def _properties(world: World) -> Strategies:
    return {"days": st.sampled_from((1, 7, 31)), "type": st.none() | st.sampled_from(SPELLINGS)}


def _story(user: str) -> list[dict[str, Any]]:
    more = {"source": "app", "properties": PROPERTIES[4], "received": datetime.fromisoformat("2026-03-05T09:00Z")}
    return [happened("quiz_completion", user, "2026-03-05T08:00", **more)]


SUBJECT = Subject(
    parameters={"data_quality": _quality, "schema_problems": _problems, "event_properties": _properties},
    happens=any_event,
    story=_story,
)
