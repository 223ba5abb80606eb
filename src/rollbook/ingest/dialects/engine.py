"""Document 5: BaseEvent, and its subclasses for conversations, system metrics and model usage.

Which subclass an event is, its fields say, in this order: model usage has `model_provider`, a system metric has
`metric_name` and `metric_value`, a conversation has `conversation_id`.
"""

from typing import Any, Literal

import msgspec

from rollbook.event import Event
from rollbook.ingest import loose
from rollbook.ingest.dialects.agent import AGENT, AgentEvent
from rollbook.ingest.dialects.dialect import Dialect, Names
from rollbook.ingest.reasons import Refusal

Absent = msgspec.UnsetType
MetricType = Literal["counter", "gauge", "histogram", "summary", "rate"]


class EngineEvent(AgentEvent, forbid_unknown_fields=True):
    """Any event of document 5; what is not given is absent."""

    version: str | Absent = msgspec.UNSET
    conversation_id: str | Absent | None = msgspec.UNSET
    channel: str | Absent | None = msgspec.UNSET
    event_data: msgspec.Raw | Absent = msgspec.UNSET
    metric_name: str | Absent = msgspec.UNSET
    metric_value: float | Absent = msgspec.UNSET
    metric_type: MetricType | Absent = msgspec.UNSET
    tags: dict[str, str] | Absent = msgspec.UNSET
    unit: str | Absent | None = msgspec.UNSET
    model_provider: str | Absent = msgspec.UNSET
    model_name: str | Absent = msgspec.UNSET
    operation: str | Absent = msgspec.UNSET
    tokens_used: int | Absent = msgspec.UNSET
    cost_cents: float | Absent = msgspec.UNSET
    latency_ms: float | Absent = msgspec.UNSET
    success: bool | Absent = msgspec.UNSET
    input_tokens: int | Absent = msgspec.UNSET
    output_tokens: int | Absent = msgspec.UNSET
    cached_tokens: int | Absent = msgspec.UNSET
    reasoning_tokens: int | Absent = msgspec.UNSET
    conversation_type: str | Absent = msgspec.UNSET


EXTRA = tuple(name for name in EngineEvent.__struct_fields__ if name not in Event.__struct_fields__)

MODEL_USAGE: dict[str, type | tuple[type, ...]] = {
    "model_provider": str, "model_name": str, "operation": str, "tokens_used": int,
    "cost_cents": (int, float), "latency_ms": (int, float), "success": bool, "input_tokens": int, "output_tokens": int,
    "cached_tokens": int, "reasoning_tokens": int, "conversation_type": str,
}  # fmt: skip
SYSTEM_METRIC: dict[str, type | tuple[type, ...]] = {
    "metric_name": str, "metric_value": (int, float), "metric_type": str, "tags": dict, "unit": str,
}  # fmt: skip
METRIC_TYPES = ("counter", "gauge", "histogram", "summary", "rate")
# without `cost_cents` the cost follows from the tenant's prices
REQUIRED = ("model_provider", "model_name", "operation", "tokens_used", "latency_ms", "success")

NAMES: Names = AGENT.names


def finish(shape: EngineEvent) -> Event:
    """The canonical event: what only document 5 has goes to the properties. Raises DecodeError: read it tolerantly."""
    own = {name: value for name in EXTRA if (value := getattr(shape, name)) is not msgspec.UNSET}
    if not own:
        return shape
    try:
        data = loose.members(own.pop("event_data", None))
        check(own)
        shape.properties = loose.encoded(data | loose.members(shape.properties) | own)
    except Refusal as refusal:
        raise msgspec.DecodeError(refusal.detail) from None
    return shape


def gather(fields: loose.Fields) -> tuple[loose.Fields, dict[str, Any]]:
    """Take what only document 5 has out of the fields: its `event_data`, and the rest by value. Raises Refusal."""
    data = loose.members(fields.pop("event_data", None))
    own = {name: loose.decoded(fields.pop(name), "invalid_value") for name in EXTRA if name in fields}
    check(own)
    return data, own


def check(own: dict[str, Any]) -> None:
    """See that the fields make a whole event of the subclass they belong to, and fill in a default. Raises Refusal."""
    if own.get("model_provider") is not None:
        _check_types(own, MODEL_USAGE, "model usage")
        if missing := [name for name in REQUIRED if own.get(name) is None]:
            raise Refusal("invalid_value", f"model usage lacks {', '.join(missing)}")
    elif own.get("metric_name") is not None and own.get("metric_value") is not None:
        _check_types(own, SYSTEM_METRIC, "a system metric")
        if own.get("metric_type") is None:
            own["metric_type"] = "gauge"
        if own["metric_type"] not in METRIC_TYPES:
            raise Refusal("invalid_value", f"metric_type must be one of {', '.join(METRIC_TYPES)}")
    elif own.get("conversation_id") is not None:
        own["conversation_id"] = loose.text(own["conversation_id"], "invalid_value")


def _check_types(own: dict[str, Any], types: dict[str, type | tuple[type, ...]], what: str) -> None:
    for name, kind in types.items():
        value = own.get(name)
        wrong_bool = isinstance(value, bool) and kind is not bool
        if value is not None and (wrong_bool or not isinstance(value, kind)):
            raise Refusal("invalid_value", f"{what}: {name} has the wrong type ({type(value).__name__})")


ENGINE = Dialect(name="engine", shape=EngineEvent, plain=AgentEvent, names=NAMES, finish=finish, gather=gather)
