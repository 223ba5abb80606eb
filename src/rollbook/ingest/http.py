"""The ingest routes: plain Starlette endpoints that read the raw body, the one hot path."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.errors import Forbidden, Invalid, RollbookError, Unauthenticated
from rollbook.governance.audit import Line
from rollbook.governance.grants import Grant
from rollbook.ingest.batch import Receipt, Sender, is_tenant
from rollbook.ingest.body import read_body
from rollbook.ingest.dialects.samples import as_events
from rollbook.ingest.intake import Intake
from rollbook.ingest.openapi import paths
from rollbook.ingest.reasons import NOT_PERMITTED, NOT_THEIRS

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines")

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Receipt], dict[str, Any]]
Translate = Callable[..., bytes]

_encode = msgspec.json.Encoder().encode


def receiving(dialect: str, answer: Answer, translate: Translate | None = None, *, of_caller: bool = False) -> Endpoint:
    """An endpoint that takes events in one dialect, or in a shape that `translate` turns into it.

    `of_caller`: without a user they are of whose token is shown.
    """

    async def endpoint(request: Request) -> Response:
        intake: Intake = request.app.state.intake
        try:
            body = await read_body(request, intake.store.settings)
            lines = request.headers.get("content-type", "").partition(";")[0].strip().lower() in NDJSON
            body = translate(body, lines=lines) if translate else body
            key = request.headers.get("idempotency-key")
            grant = _grant(request)
            sender = _sender(request, grant, of_caller=of_caller)
            receipt = await intake.take(body, dialect, grant.tenant, key, lines=lines, sender=sender)
        except RollbookError as error:
            return refusal(error)
        except ClientDisconnect:
            # nobody is there to be answered, and nothing was taken
            return Response(status_code=400)
        if any(one.reason in NOT_THEIRS for one in receipt.rejected):
            _note_refused(request, grant, receipt)
        if not receipt.ids and any(one.reason != NOT_PERMITTED for one in receipt.rejected):
            if all(one.reason in NOT_THEIRS for one in receipt.rejected):
                return refusal(Forbidden(_summary(receipt), rejected=[one.body() for one in receipt.rejected]))
            return refusal(Invalid(_summary(receipt), rejected=[one.body() for one in receipt.rejected]))
        return json_response(answer(receipt))

    return endpoint


def _note_refused(request: Request, grant: Grant, receipt: Receipt) -> None:
    """An audit line of events that their sender may not send."""
    intake: Intake = request.app.state.intake
    reasons = Counter(one.reason for one in receipt.rejected if one.reason in NOT_THEIRS)
    if intake.trail is not None and grant.caller is not None:
        who = grant.caller
        intake.trail.note_soon(
            Line(
                tenant=grant.tenant,
                action="refused",
                what=f"POST {request.url.path}",
                actor=who.subject or who.credential,
                credential=who.credential,
                address=request.client.host if request.client else "",
                detail=dict(reasons),
            )
        )


def counted(receipt: Receipt) -> dict[str, Any]:
    """What became of the events, in numbers."""
    return {
        "ingested": receipt.ingested,
        "duplicates": receipt.duplicates,
        "rejected": [one.body() for one in receipt.rejected],
    }


def native_answer(receipt: Receipt) -> dict[str, Any]:
    """The native answer: the counts, and the event's id where one was sent."""
    return counted(receipt) | ({"event_id": receipt.ids[0]} if len(receipt.ids) == 1 else {})


def agent_answer(receipt: Receipt) -> dict[str, Any]:
    """Document 1's answer, and document 2's, with the event's real id."""
    return {"status": "success", "event_id": receipt.ids[0] if receipt.ids else None} | counted(receipt)


def json_response(content: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    return Response(_encode(content), status, media_type="application/json")


def refusal(error: RollbookError) -> Response:
    """An error as it is answered."""
    response = json_response(error.body(), error.status)
    retry = getattr(error, "retry_after_seconds", None)
    if retry is not None:
        response.headers["retry-after"] = str(retry)
    return response


def _grant(request: Request) -> Grant:
    """What the gate has let pass. Raises Invalid for a tenant that no tenant can be called."""
    grant: Grant | None = request.scope.get("state", {}).get("grant")
    if grant is None:
        raise Unauthenticated("show a key or a token")
    if request.scope["query_string"] and not is_tenant(grant.tenant, request.app.state.store.settings.max_id_length):
        raise Invalid("tenant_id is longer than ROLLBOOK_MAX_ID_LENGTH allows, or holds a control character")
    return grant


def _sender(request: Request, grant: Grant, *, of_caller: bool) -> Sender | None:
    caller = grant.caller
    if caller is None or not caller.tenant:
        return None
    if grant.users is None:
        return Sender(caller.tenant, credential=caller.credential, speaks_for=caller.subject if of_caller else "")
    barred = request.app.state.tenants.settings(caller.tenant).server_only_types
    return Sender(caller.tenant, caller.subject, frozenset(barred), caller.credential)


def _summary(receipt: Receipt) -> str:
    first = receipt.rejected[0]
    others = f" (and {len(receipt.rejected) - 1} more)" if len(receipt.rejected) > 1 else ""
    return f"no event is valid: event {first.index}: {first.detail}{others}"


ROUTES = [
    Route("/api/v2/events", receiving("native", native_answer), methods=["POST"]),
    Route("/api/v2/metrics", receiving("engine", native_answer, as_events), methods=["POST"]),
    Route("/events", receiving("agent", agent_answer), methods=["POST"]),
    Route("/api/analytics/events/track", receiving("studyin", agent_answer, of_caller=True), methods=["POST"]),
    Route("/api/analytics/ingest", receiving("ingest", counted), methods=["POST"]),
]


OPENAPI = paths()
