"""Event: something that somebody (or something) did, at a time. The one noun that every part shares."""

from datetime import datetime
from enum import StrEnum

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


class EventType(StrEnum):
    """Document 2's types. They are sent by value or as the constants' names, in any case, and stored in lower case."""

    # learning
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    MATERIAL_VIEW = "material_view"
    MATERIAL_COMPLETE = "material_complete"
    # gamification
    XP_EARNED = "xp_earned"
    LEVEL_UP = "level_up"
    ACHIEVEMENT_EARNED = "achievement_earned"
    STREAK_UPDATE = "streak_update"
    # the AI coach
    AI_MESSAGE_SENT = "ai_message_sent"
    AI_MESSAGE_RECEIVED = "ai_message_received"
    AI_FEEDBACK_RATED = "ai_feedback_rated"
    # the system
    API_REQUEST = "api_request"
    API_ERROR = "api_error"
    SEARCH_QUERY = "search_query"


_TYPES = frozenset(EventType)


def stored_type(type: str) -> str:
    """One of document 2's types as it is stored, however it was written; any other as it is."""
    lower = type.strip().lower()
    return lower if lower in _TYPES else type
