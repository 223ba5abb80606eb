"""Topics: what is asked, in a world where everybody asks one of two things."""

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.analyses.subjects.subject import Strategies, Subject
from tests.analyses.worlds import World
from tests.stories import happened

TEXTS = ("denominator fractions numerator", "chlorophyll photosynthesis")


@st.composite
def asked(draw: st.DrawFn, anchor: datetime, now: datetime, zone: str) -> dict[str, Any]:
    """A message."""
    return happened(
        draw(st.sampled_from(("ai_message_sent", "AI_MESSAGE_SENT", "conversation.message.received"))),
        draw(st.sampled_from(("ada", "bob", "cyd", "dan", "eve", "fay", ""))),
        now - draw(st.sampled_from((timedelta(), timedelta(days=1), timedelta(days=9)))),
        course=draw(st.sampled_from(("", "c1"))),
        properties=json.dumps({"role": draw(st.sampled_from(("user", "user", "user", "assistant")))}),
        said=draw(st.sampled_from((*(json.dumps({"message": text}) for text in TEXTS), None))),
    )


def _topics(world: World) -> Strategies:
    return {
        "days": st.sampled_from((1, 7, 30)),
        "course": st.sampled_from(("", "c1")),
        "topics": st.sampled_from((2, 10)),
    }


SUBJECT = Subject(parameters={"topics": _topics}, happens=asked, nothing_found=frozenset(("topics",)))
