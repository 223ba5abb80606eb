"""Why an event is not taken: a closed set, the same in answers, dead letters and counters."""

from dataclasses import dataclass
from typing import Any

REASONS = {
    "not_json": "the body or the event is not JSON",
    "not_utf8": "text that is not Unicode: bytes that are not UTF-8, half a surrogate pair, or a NUL",
    "not_an_object": "the event is not a JSON object",
    "invalid_type": "the event type is missing, empty or not a text",
    "invalid_id": "the event id is not a text or a number",
    "invalid_user": "the user id is not a text or a number",
    "invalid_tenant": "the tenant is not a text, or holds a control character",
    "invalid_source": "the source is not a text",
    "invalid_timestamp": "the timestamp cannot be read; use ISO 8601, or seconds or milliseconds since 1970",
    "timestamp_in_future": "the timestamp lies further ahead than ROLLBOOK_MAX_FUTURE_SECONDS allows",
    "timestamp_too_old": "the timestamp lies before ROLLBOOK_EARLIEST_YEAR",
    "too_long": "an id, user, type, source or tenant is longer than ROLLBOOK_MAX_ID_LENGTH",
    "invalid_properties": "metadata (payload, event_data, tags) is not a JSON object",
    "invalid_value": "a field of a metric or of model usage has the wrong type",
    "properties_too_large": "the properties are larger than ROLLBOOK_MAX_EVENT_BYTES",
    "nested_too_deep": "the properties are nested deeper than ROLLBOOK_MAX_NESTING",
    "foreign_tenant": "the event names another tenant than the key or token is of",
    "foreign_user": "a learner's token writes only the learner's own events",
    "server_only_type": "events of this type may only be sent by a server",
    "invalid_schema": "the properties break the definition that the tenant gives of this event type",
    "unknown_type": "the event type has no definition, and the tenant takes only types that have one",
    "not_permitted": "the person has not consented to being counted, or has decided against it; nothing of it is kept",
    "type_not_allowed": "the event type is denied (ROLLBOOK_DENY_TYPES), or not among ROLLBOOK_ALLOW_TYPES",
}


NOT_PERMITTED = "not_permitted"

# those that depend on who sends: nothing is wrong with the event itself
NOT_THEIRS = {"foreign_tenant", "foreign_user", "server_only_type"}


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused event: its index in the batch, the reason (one of REASONS), what exactly was wrong, its bytes.

    `stage` is the step that refused it; `tenant` whose it is ("": the batch's); `source` where it came from, if known.
    `kept`: it becomes a dead letter; what is refused for privacy does not.
    """

    index: int
    reason: str
    detail: str
    original: bytes
    stage: str
    tenant: str = ""
    kept: bool = True
    source: str = ""

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        return {"index": self.index, "reason": self.reason, "detail": self.detail}


class Refusal(Exception):  # it refuses one event, it is no failure of ours
    """Raised inside a step to refuse one event."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail or REASONS[reason]
