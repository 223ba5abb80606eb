"""What the OpenAPI page says of the ingest routes, which read the raw body and so are not described by FastAPI."""

from typing import Any

import msgspec

from rollbook.ingest.dialects import DIALECTS

_REJECTED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "index": {"type": "integer", "description": "Index of the event in the batch."},
            "reason": {"type": "string", "description": "One of a closed set."},
            "detail": {"type": "string"},
        },
    },
}
_ERROR = {"type": "object", "properties": {"detail": {"type": "string"}, "rejected": _REJECTED}}
_COUNTS: dict[str, Any] = {
    "ingested": {"type": "integer", "description": "Events committed by this request."},
    "duplicates": {"type": "integer", "description": "Events that had been committed before."},
    "rejected": _REJECTED,
}
_ANSWERS: dict[str, dict[str, Any]] = {
    "native": _COUNTS | {"event_id": {"type": "string", "description": "Where one event was sent."}},
    "agent": {"status": {"type": "string"}, "event_id": {"type": "string"}} | _COUNTS,
    "studyin": {"status": {"type": "string"}, "event_id": {"type": "string"}} | _COUNTS,
    "ingest": _COUNTS,
}
_PATHS = {
    "native": "/api/v2/events",
    "agent": "/events",
    "studyin": "/api/analytics/events/track",
    "ingest": "/api/analytics/ingest",
}
_REFUSED = {
    "400": "The body is not JSON; the text says where.",
    "413": "More events or bytes than a limit allows.",
    "422": "No event is valid; `rejected` says why.",
    "503": "The store cannot take it now; nothing was acknowledged. Send it again after Retry-After.",
}


def paths() -> dict[str, Any]:
    """The paths of the ingest routes, in the form of OpenAPI 3.1."""
    found = {path: {"post": _operation(name)} for name, path in _PATHS.items()}
    return found | {"/api/v2/metrics": {"post": _operation("native", _SAMPLE) | _OF_SAMPLES}}


def _operation(dialect: str, shape: dict[str, Any] | None = None) -> dict[str, Any]:
    event = shape or _schema(dialect)
    media = {"schema": {"oneOf": [event, {"type": "array", "items": event}]}}
    content = {"application/json": media, "application/x-ndjson": {"schema": {"type": "string"}}}
    return {
        "tags": ["ingest"],
        "operationId": f"ingest_{dialect}",
        "summary": f"Take events in ({'the native shape' if dialect == 'native' else DIALECTS[dialect].name})",
        "description": "One event, a list, or NDJSON; bodies may be packed with gzip, deflate or zstd. "
        "200: committed, and visible to the next query.",
        "parameters": [
            {"name": "tenant_id", "in": "query", "schema": {"type": "string", "default": "default"}},
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answer("What became of the events.", {"type": "object", "properties": _ANSWERS[dialect]})}
        | {status: _answer(text, _ERROR) for status, text in _REFUSED.items()},
    }


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _schema(dialect: str) -> dict[str, Any]:
    """The event's JSON Schema: its fields as its document names them, the type alone required."""
    fields = msgspec.structs.fields(DIALECTS[dialect].shape)
    required = [field.encode_name for field in fields if field.name == "type"]
    return {
        "type": "object",
        "required": required,
        "properties": {field.encode_name: _KINDS.get(field.name, {"type": "string"}) for field in fields},
    }


_KINDS: dict[str, dict[str, Any]] = {
    "timestamp": {"type": "string", "format": "date-time", "description": "None: the time of receipt; no zone: UTC."},
    "id": {"type": "string", "description": "Counted once per tenant and id."},
    "properties": {"type": "object"},
    "event_data": {"type": "object"},
    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    "metric_value": {"type": "number"},
    "metric_type": {"type": "string", "enum": ["counter", "gauge", "histogram", "summary", "rate"]},
    "tokens_used": {"type": "integer"},
    "input_tokens": {"type": "integer"},
    "output_tokens": {"type": "integer"},
    "cached_tokens": {"type": "integer"},
    "reasoning_tokens": {"type": "integer"},
    "cost_cents": {"type": "number"},
    "latency_ms": {"type": "number"},
    "success": {"type": "boolean"},
}
_SAMPLE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {
        "metric_id": _KINDS["id"],
        "name": {"type": "string"},
        "value": {"type": "number"},
        "type": _KINDS["metric_type"],
        "timestamp": _KINDS["timestamp"],
        "tags": _KINDS["tags"],
        "unit": {"type": "string"},
        "source_service": {"type": "string"},
        "tenant_id": {"type": "string"},
    },
}
_OF_SAMPLES = {"operationId": "ingest_metrics", "summary": "Take samples of metrics (document 5's Metric)"}
