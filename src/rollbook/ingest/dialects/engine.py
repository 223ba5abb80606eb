"""Document 5: BaseEvent, and its subclasses for conversations, system metrics and model usage.

Which subclass an event is, its fields say, in this order: model usage has `model_provider`, a system metric has
`metric_name` and `metric_value`, a conversation has `conversation_id`.
"""

from typing import Any, Literal

import msgspec

from rollbook.event import EMPTY, Event
from rollbook.ingest import loose
from rollbook.ingest.dialects.agent import AgentEvent
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


EXTRA = tuple(name for name in EngineEvent.__struct_fields__ if name not in Event.__struct_fields__)

MODEL_USAGE: dict[str, type | tuple[type, ...]] = {
    "model_provider": str, "model_name": str, "operation": str, "tokens_used": int,
    "cost_cents": (int, float), "latency_ms": (int, float), "success": bool,
}  # fmt: skip
SYSTEM_METRIC: dict[str, type | tuple[type, ...]] = {
    "metric_name": str, "metric_value": (int, float), "metric_type": str, "tags": dict, "unit": str,
}  # fmt: skip
METRIC_TYPES = ("counter", "gauge", "histogram", "summary", "rate")
REQUIRED = ("model_provider", "model_name", "operation", "tokens_used", "cost_cents", "latency_ms", "success")

NAMES: Names = {
    "type": ("event_type",),
    "user": ("user_id",),
    "timestamp": ("timestamp",),
    "id": ("event_id",),
    "tenant": ("tenant_id",),
    "source": ("source_service",),
    "properties": ("metadata",),
}


def finish(shape: EngineEvent) -> Event:
    """The canonical event: what only document 5 has goes to the properties. Raises DecodeError: read it tolerantly."""
    extra = {name: value for name in EXTRA if (value := getattr(shape, name)) is not msgspec.UNSET}
    if not extra:
        return shape
    fields = extra | {"metadata": shape.properties}
    for name in ("event_data", "metadata"):
        if name in fields:
            fields[name] = msgspec.json.decode(bytes(fields[name]))
    try:
        gather(fields)
    except Refusal as refusal:
        raise msgspec.DecodeError(refusal.detail) from None
    shape.properties = msgspec.Raw(msgspec.json.encode(fields["metadata"])) if fields["metadata"] else EMPTY
    return shape


def gather(fields: dict[str, Any]) -> None:
    """Move what only document 5 has into `metadata`, checked for the subclass it makes. Raises Refusal."""
    own = {name: fields.pop(name) for name in EXTRA if name in fields}
    data = own.pop("event_data", None)
    metadata = fields.get("metadata")
    if not all(value is None or isinstance(value, dict) for value in (data, metadata)):
        raise Refusal("invalid_properties")
    if own.get("model_provider") is not None:
        _check(own, MODEL_USAGE, "model usage")
        if missing := [name for name in REQUIRED if own.get(name) is None]:
            raise Refusal("invalid_value", f"model usage lacks {', '.join(missing)}")
    elif own.get("metric_name") is not None and own.get("metric_value") is not None:
        _check(own, SYSTEM_METRIC, "a system metric")
        if own.setdefault("metric_type", "gauge") not in METRIC_TYPES:
            raise Refusal("invalid_value", f"metric_type must be one of {', '.join(METRIC_TYPES)}")
    elif own.get("conversation_id") is not None:
        own["conversation_id"] = loose.text(own["conversation_id"], "invalid_value")
    fields["metadata"] = (data or {}) | (metadata or {}) | own


def _check(own: dict[str, Any], types: dict[str, type | tuple[type, ...]], what: str) -> None:
    for name, kind in types.items():
        value = own.get(name)
        wrong_bool = isinstance(value, bool) and kind is not bool
        if value is not None and (wrong_bool or not isinstance(value, kind)):
            raise Refusal("invalid_value", f"{what}: {name} has the wrong type ({type(value).__name__})")


ENGINE = Dialect(name="engine", shape=EngineEvent, names=NAMES, finish=finish, finish_fields=gather)
