"""Signing in to the pages, with a key or at an OpenID Connect provider, and signing out."""

from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from rollbook.delivery.pages import page
from rollbook.errors import Forbidden, NotFound, RollbookError, TooLarge, Unauthenticated, Unavailable
from rollbook.governance import origins
from rollbook.governance.access import PERMISSIONS, reach_of
from rollbook.governance.audit import Line
from rollbook.governance.caller import Caller
from rollbook.governance.gate import Guards
from rollbook.governance.oidc import CALLBACK, Flow, Provider
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.sessions import KEY, Sessions, clear_cookie, set_cookie

log = structlog.get_logger()

FLOW_COOKIE = "rollbook_sign_in"
FLOW_SECONDS = 600
MOST_FORM_BYTES = 8_192
NOT_TO_SIGN_IN = ("public", "write")

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:
    """Where one signs in; to those who are signed in it says as whom."""
    if request.app.state.settings.auth == "none":
        return _to("/")
    sessions, _ = _guarded(request)
    found = sessions.session(request.cookies)
    request.scope.setdefault("state", {})["session"] = found
    may_look = found is not None and reach_of(found.caller, "ask_many") is not None
    return _form(request, origins.local(next), may_look=may_look)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in with a key. Sent by our own page only: nobody is signed in as somebody else without knowing."""
    form = await _read_form(request)
    wanted = origins.local(form.get("next", "/"))
    try:
        _check_own_page(request)
        caller = await _of_key(request, form.get("key", "").strip())
    except RollbookError as error:
        return _form(request, wanted, error=error)
    name = caller.credential.replace(":", " ")
    return await _signed_in(request, caller, name, wanted)


@router.get("/sign-in/oidc")
async def begin(request: Request, next: str = "/") -> Response:
    """Send the browser to the provider."""
    try:
        provider = _provider(request)
        await _limit(request)
        address, flow = await run_in_threadpool(provider.begin, _redirect(request), origins.local(next))
    except RollbookError as error:
        return _form(request, origins.local(next), error=error)
    response = _to(address)
    response.set_cookie(FLOW_COOKIE, flow.cookie(), max_age=FLOW_SECONDS, **_flow_cookie(request.scope))
    return response


@router.get(CALLBACK)
async def callback(request: Request) -> Response:
    """Where the provider sends the browser back to."""
    flow = Flow.of(request.cookies.get(FLOW_COOKIE, ""))
    wanted = origins.local(flow.wanted) if flow else "/"
    try:
        caller, name = await _of_provider(request, flow)
        response = await _signed_in(request, caller, name, wanted)
    except RollbookError as error:
        response = _form(request, wanted, error=error)
    response.delete_cookie(FLOW_COOKIE, **_flow_cookie(request.scope))
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session; other sites cannot."""
    _check_own_page(request)
    sessions: Sessions | None = getattr(request.app.state, "sessions", None)
    if sessions is not None:
        sessions.end(request.cookies)
    response = _to(origins.SIGN_IN)
    response.headers.append("set-cookie", clear_cookie(is_secure=origins.is_https(request.scope)))
    return response


async def _of_key(request: Request, key: str) -> Caller:
    """Whose key this is, if people may sign in with it. Raises Unauthenticated, Forbidden or TooMany."""
    _, guards = _guarded(request)
    address = guards.address(request.scope)
    shown = {**request.scope, "headers": [(b"x-api-key", key.encode("latin-1", "replace"))], "query_string": b""}
    try:
        caller = await _first(guards, shown)
    except Unauthenticated as error:
        log.warning("sign_in_refused", address=address, why=error.detail)
        guards.limits.failed(address, error)
        raise
    await guards.limits.check(caller, address)
    may = [name for name in PERMISSIONS if name not in NOT_TO_SIGN_IN and reach_of(caller, name)]
    if not caller.credential.startswith(KEY) or not may:
        raise Forbidden("this cannot be used to sign in; take a key with the role read or admin")
    return caller


async def _first(guards: Guards, scope: Scope) -> Caller:
    for one in guards.find:
        if caller := await one.caller(scope):
            return caller
    raise Unauthenticated("this is no key; ask who runs Rollbook for one")


async def _of_provider(request: Request, flow: Flow | None) -> tuple[Caller, str]:
    """Whom the provider vouches for, and their name."""
    provider = _provider(request)
    _, guards = _guarded(request)
    await _limit(request)
    if flow is None:
        raise Unauthenticated("signing in took longer than ten minutes, or this browser keeps no cookies; start again")
    brought = dict(request.query_params)
    person = await run_in_threadpool(provider.finish, flow, _redirect(request), brought)
    subject = await run_in_threadpool(known_as, guards.store, provider.tenant, person.user)
    return Caller(provider.tenant, person.roles, f"oidc:{subject}", subject), person.name


async def _limit(request: Request) -> None:
    """Raises TooMany for an address from which it is tried too often."""
    _, guards = _guarded(request)
    await guards.limits.check(None, guards.address(request.scope))


async def _signed_in(request: Request, caller: Caller, name: str, wanted: str) -> Response:
    """A fresh session, never one that was there before; and where they wanted to go."""
    sessions, guards = _guarded(request)
    await run_in_threadpool(sessions.end, request.cookies)
    identity = await run_in_threadpool(sessions.begin, caller, name)
    await guards.note(
        Line(
            tenant=caller.tenant,
            action="sign_in",
            what=f"{request.method} {request.url.path}",
            actor=caller.subject or caller.credential,
            credential=caller.credential,
            address=guards.address(request.scope),
        )
    )
    response = _to(wanted)
    response.headers.append("set-cookie", set_cookie(identity, is_secure=origins.is_https(request.scope)))
    return response


def _form(request: Request, wanted: str, *, error: RollbookError | None = None, may_look: bool = False) -> Response:
    provider: Provider | None = getattr(request.app.state, "provider", None)
    return page(
        request,
        "sign_in.html",
        status=error.status if error else 200,
        wanted=wanted,
        reason=error.detail if error else "",
        provider=provider.name if provider else "",
        provider_address=origins.with_next("/sign-in/oidc", wanted),
        may_look=may_look,
    )


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM_BYTES:
            raise TooLarge(f"the form has over {MOST_FORM_BYTES} bytes")
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _check_own_page(request: Request) -> None:
    if not origins.is_own_page(request.scope):
        raise Forbidden("this form was sent by a page of another site; open /sign-in here")


def _guarded(request: Request) -> tuple[Sessions, Guards]:
    sessions, guards = (getattr(request.app.state, name, None) for name in ("sessions", "guards"))
    if sessions is None or guards is None:
        raise Unavailable("Rollbook is not ready yet; ask again in a moment")
    return sessions, guards


def _provider(request: Request) -> Provider:
    provider: Provider | None = getattr(request.app.state, "provider", None)
    if provider is None:
        raise NotFound("no OpenID Connect provider is set (ROLLBOOK_OIDC_ISSUER); sign in with a key")
    return provider


def _redirect(request: Request) -> str:
    own: str | None = request.app.state.settings.public_url
    return (own.rstrip("/") if own else origins.own_origin(request.scope)) + CALLBACK


def _flow_cookie(scope: Scope) -> dict[str, Any]:
    return {"path": CALLBACK, "httponly": True, "samesite": "lax", "secure": origins.is_https(scope)}


def _to(address: str) -> Response:
    return RedirectResponse(address, 303)
