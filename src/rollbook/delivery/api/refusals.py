"""Refusals: every error leaves as JSON, `{"detail": text}`, with the status that its class carries."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from rollbook.errors import RollbookError, Unavailable

log = structlog.get_logger()

MOST_SHOWN_CHARACTERS = 100
NO_BODY = (204, 304)


class RejectedEvent(BaseModel):
    """One event that was refused."""

    index: int = Field(description="Its place in the request, from 0.")
    reason: str
    detail: str | None = None


class Refused(BaseModel):
    """Why a request was not served, and what would be right."""

    detail: str
    rejected: list[RejectedEvent] | None = Field(None, description="Where single events were refused.")


# for the routes' documentation
REFUSALS: dict[int | str, dict[str, Any]] = {
    422: {"model": Refused, "description": "A parameter is wrong; the detail names it."},
    503: {"model": Refused, "description": "Not possible now; see Retry-After."},
}


def install(app: FastAPI) -> None:
    """Answer all errors of an application in one form."""
    app.add_exception_handler(RollbookError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_request)
    app.add_exception_handler(Exception, _fail)


async def _refuse(request: Request, error: Exception) -> Response:
    """What Rollbook refuses on purpose."""
    assert isinstance(error, RollbookError)
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Unavailable) else None
    if error.status >= 500:
        log.warning("unavailable", path=request.url.path, status=error.status, detail=error.detail)
    return JSONResponse(error.body(), error.status, headers)


async def _refuse_parameters(_: Request, error: Exception) -> Response:
    """Parameters and bodies of the wrong form."""
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    for problem in problems:
        if problem["type"] == "json_invalid":
            why, place = problem["ctx"]["error"], problem["loc"][-1]
            return JSONResponse({"detail": f"the body is not JSON: {why} at character {place}"}, 400)
    return JSONResponse({"detail": "; ".join(explain(problem) for problem in problems)}, 422)


async def _refuse_request(request: Request, error: Exception) -> Response:
    """No such address, or not with this method."""
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code in NO_BODY:
        return Response(status_code=error.status_code, headers=error.headers)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"there is nothing at {request.url.path}; see /docs for what there is"
    if error.status_code == 405 and error.headers:
        detail = f"{request.method} is not possible here; use {error.headers.get('Allow', 'another method')}"
    return JSONResponse({"detail": detail}, error.status_code, headers=error.headers)


async def _fail(request: Request, error: Exception) -> Response:
    """What should not happen: the log has the error under the id that the answer names."""
    number = uuid.uuid4().hex[:12]
    log.error("request_failed", id=number, method=request.method, path=request.url.path, exc_info=error)
    return JSONResponse({"detail": f"Rollbook failed at this request; its log says why under id {number}"}, 500)


def explain(problem: Mapping[str, Any]) -> str:
    """One problem of a parameter in words: which, what is wrong, what it was."""
    where = _named(problem["loc"])
    if problem["type"] == "missing":
        return f"{where} is missing"
    shown = repr(problem["input"])
    if len(shown) > MOST_SHOWN_CHARACTERS:
        shown = shown[:MOST_SHOWN_CHARACTERS] + "…"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}, not {shown}"


def _named(place: Sequence[str | int]) -> str:
    kind, *names = place
    if kind == "body":
        return f"body field {'.'.join(map(str, names))}" if names else "the body"
    return f"parameter {'.'.join(map(str, names))}"
