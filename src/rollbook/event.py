"""Event: something that somebody (or something) did, at a time. The one noun that every part shares."""

from datetime import datetime

import msgspec

EMPTY = msgspec.Raw(b"{}")


class Event(msgspec.Struct, kw_only=True, gc=False):
    """One thing that happened.

    `tenant` and `id` together are counted once. `timestamp` without a zone is UTC; None means the time of receipt.
    `user` is "" where nobody is known, and "" is never counted as a person. `properties` is a JSON object as text.
    A dialect subclasses this and renames the fields to those of its document, so that one decode does both.
    """

    type: str
    user: str | None = None
    timestamp: datetime | None = None
    id: str | None = None
    tenant: str | None = None
    source: str | None = None
    properties: msgspec.Raw = EMPTY


class Promoted(msgspec.Struct, kw_only=True, gc=False):
    """The properties that questions read, each kept in a column of its own. Scores are 0 to 100, durations seconds."""

    session_id: str | None = None
    course_id: str | None = None
    content_id: str | None = None
    material_id: str | None = None
    concept_id: str | None = None
    conversation_id: str | None = None
    score: float | None = None
    duration: float | None = None
    channel: str | None = None
