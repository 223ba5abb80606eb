"""The gate: every request passes it, and goes on with a grant or not at all.

It finds out who calls, looks up what the address needs (`access.py`), limits how often, writes down who looked at whose
data and who was refused, and leaves what the caller may see in `scope["state"]["grant"]`.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

import anyio.to_thread
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rollbook.errors import Forbidden, NotFound, RollbookError, TooMany, Unauthenticated, Unavailable
from rollbook.governance.access import ASK, permission_of, reach_of, who_may
from rollbook.governance.audit import Line
from rollbook.governance.audit.line import Action
from rollbook.governance.caller import OPEN, Caller, Permission
from rollbook.governance.grants import Grant
from rollbook.governance.origins import sign_in_for
from rollbook.governance.people import courses_of, same_person, wards_of
from rollbook.governance.pseudonyms import known_as, pseudonyms_of
from rollbook.store import Store

log = structlog.get_logger()

Headers = Sequence[tuple[bytes, bytes]]

# what is written down before it is answered; writing events has a line of its own for each group
NOTED: dict[Permission, Action] = {
    "ask_person": "read",
    "export": "export",
    "privacy": "rights",
    "words": "read",
    "manage": "change",
    "roster": "change",
    "import": "change",
    "audit": "read",
    "disclosures": "read",
    "operate": "change",
}
PERSON = re.compile(
    r"/(?:metrics|engagement|predict-dropout|consents|people(?!/merge$|/merges/)|directory(?:-information)?|disclosures)"
    r"/(?P<user>.+)"
)
# parameters that name people; those of LISTS several at once
NAMES = ("user", "user_id", "users", "cohort_users")
LISTS = ("users", "cohort_users")
TENANT = re.compile(r"/api/v2/tenants/(?P<tenant>[^/]+)")
MOST_PERSONS = 1_000
MOST_WHY = 200


class Finds(Protocol):
    """Finds out who calls."""

    async def caller(self, scope: Scope) -> Caller | None:
        """Who; None: nothing was shown. Raises Unauthenticated where what was shown is no good."""


class Limits(Protocol):
    """Limits how often one may call."""

    async def check(self, caller: Caller | None, address: str) -> list[tuple[bytes, bytes]]:
        """Headers that say what is left. Raises TooMany."""

    def failed(self, address: str, error: Unauthenticated) -> None:
        """Somebody showed there what is no good. Raises TooMany if that happens too often."""


class Unlimited:
    """No limits: for open access."""

    async def check(self, caller: Caller | None, address: str) -> list[tuple[bytes, bytes]]:
        """Never too many."""
        return []

    def failed(self, address: str, error: Unauthenticated) -> None:
        """Nothing to remember."""


def peer(scope: Scope) -> str:
    """The address that the connection comes from."""
    return scope["client"][0] if scope.get("client") else ""


@dataclass(frozen=True, slots=True)
class Guards:
    """What the gate asks: `find` in this order, the first who knows the caller wins."""

    store: Store
    find: tuple[Finds, ...]
    limits: Limits
    note: Callable[[Line], Awaitable[None]]
    address: Callable[[Scope], str]


class Gate:
    """ASGI middleware. `app.state.guards` is there once the store is open."""

    def __init__(self, app: ASGIApp, *, required: bool) -> None:
        self._app = app
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a grant."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            headers = await self._admit(scope)
        except RollbookError as error:
            await refuse(scope, send, error)
            return
        await self._app(scope, receive, _with(send, headers) if headers else send)

    async def _admit(self, scope: Scope) -> Headers:
        permission = permission_of(scope.get("method", "GET"), scope["path"])
        state = scope.setdefault("state", {})
        if permission == "public":
            return ()
        guards: Guards | None = getattr(scope["app"].state, "guards", None) if "app" in scope else None
        if not self._required:
            state["grant"] = Grant(_tenant(OPEN, scope), caller=OPEN)
            if guards is not None:
                _check_key(guards.store, permission, state["grant"])
                await _note(guards, scope, permission, state["grant"])
            return ()
        if guards is None:
            raise Unavailable("Rollbook is not ready yet; ask again in a moment")
        state["grant"], headers = await self._known(scope, permission, guards)
        _check_key(guards.store, permission, state["grant"])
        await _note(guards, scope, permission, state["grant"])
        return headers

    async def _known(self, scope: Scope, permission: Permission | None, guards: Guards) -> tuple[Grant, Headers]:
        address = guards.address(scope)
        caller = None
        try:
            for one in guards.find:
                if caller := await one.caller(scope):
                    break
        except Unauthenticated as error:
            guards.limits.failed(address, error)
            raise
        headers = await guards.limits.check(caller, address)
        if caller is None:
            raise Unauthenticated("show a key or a token: Authorization: Bearer …, X-API-Key, or Basic with the key")
        return await _granted(guards, caller, permission, scope), headers


async def let_in(guards: Guards, caller: Caller, scope: Scope, permission: Permission | None = None) -> Grant:
    """What a caller may see with a request that comes inside a stream: as if it came alone, counted and written down.

    `permission`: what it needs, where that is not what its address needs. Raises what the gate would answer.
    """
    needed = permission or permission_of(scope.get("method", "GET"), scope["path"])
    await guards.limits.check(caller, guards.address(scope))
    grant = await _granted(guards, caller, needed, scope)
    _check_key(guards.store, needed, grant)
    await _note(guards, scope, needed, grant)
    return grant


async def _granted(guards: Guards, caller: Caller, permission: Permission | None, scope: Scope) -> Grant:
    try:
        return await grant_for(guards.store, caller, permission, scope)
    except Forbidden as error:
        await guards.note(_refusal(guards, scope, caller, error))
        raise


async def grant_for(store: Store, caller: Caller, permission: Permission | None, scope: Scope) -> Grant:
    """What a caller may see with this request. Raises Forbidden, or NotFound for an address that nobody knows."""
    tenant = _tenant(caller, scope)
    if permission is None:
        if scope["path"].startswith(ASK):
            # the route says which questions there are
            return Grant(tenant, users=(), caller=caller)
        raise NotFound(f"there is nothing at {scope['path']} for {scope.get('method', 'GET')}; see /docs")
    if (named := _asked_tenant(scope)) and not caller.may_name(named):
        raise Forbidden(f"this key or token is of tenant {caller.tenant!r}, not of {named!r}")
    reach = reach_of(caller, permission)
    if reach is None:
        limited = " and this key is limited" if caller.only is not None else ""
        raise Forbidden(f"{permission} is for: {who_may(permission)}; you are {_roles(caller)}{limited}")
    match reach:
        case "courses":
            courses = await anyio.to_thread.run_sync(courses_of, store, tenant, caller.subject)
            return Grant(tenant, courses=courses, caller=caller)
        case "wards":
            wards = await anyio.to_thread.run_sync(wards_of, store, tenant, caller.subject)
            # a guardian who learns here too sees themselves as well
            return Grant(tenant, users=(*wards, caller.subject) if "learner" in caller.roles else wards, caller=caller)
        case "self":
            return Grant(tenant, users=await _selves(store, caller, permission), caller=caller)
    return Grant(tenant, caller=caller, cells=reach == "cells")


async def _selves(store: Store, caller: Caller, permission: Permission) -> tuple[str, ...]:
    """The ids under which a caller may be known: all of the person's; to write, the one that they have shown."""
    if permission == "write":
        return (caller.subject,)
    return await anyio.to_thread.run_sync(same_person, store, caller.tenant, caller.subject)


async def refuse(scope: Scope, send: Send, error: RollbookError) -> None:
    """Answer an error from outside the application."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    # who is signed in as somebody who may not see a page is told there as whom
    is_led = isinstance(error, Unauthenticated) or (isinstance(error, Forbidden) and "session" in scope["state"])
    if is_led and (where := sign_in_for(scope)):
        to_sign_in = [
            (b"location", where.encode("latin-1")),
            (b"content-length", b"0"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": to_sign_in})
        await send({"type": "http.response.body", "body": b""})
        return
    body = json.dumps(error.body()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="rollbook"'))
    if isinstance(error, TooMany | Unavailable):
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    if isinstance(error, TooMany):
        headers += error.headers
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})


def _check_key(store: Store, permission: Permission | None, grant: Grant) -> None:
    """Raise Unavailable while the key of the tenant's pseudonyms is being changed: people have two names then."""
    if permission not in ("manage", "audit", "operate"):
        pseudonyms_of(store).chain(grant.tenant)


async def _note(guards: Guards, scope: Scope, permission: Permission | None, grant: Grant) -> None:
    action = NOTED.get(permission) if permission else None
    if action == "change" and scope.get("method") in ("GET", "HEAD"):
        action = "read"
    # with open access nobody is known who could have looked
    if action and grant.caller is not None and not (action == "read" and grant.caller is OPEN):
        persons = _persons(guards.store, grant.tenant, scope) or [""]
        lines = [_line(guards, scope, action, grant.caller, tenant=grant.tenant, person=person) for person in persons]
        # one after the other would be a wait for the disk each
        await asyncio.gather(*map(guards.note, lines))


def _line(
    guards: Guards,
    scope: Scope,
    action: Action,
    caller: Caller,
    *,
    tenant: str,
    person: str = "",
    detail: str = "",
) -> Line:
    return Line(
        tenant=tenant,
        action=action,
        what=f"{scope.get('method', 'GET')} {_route(scope['path'])}",
        actor=caller.subject or caller.credential,
        credential=caller.credential,
        person=person,
        address=guards.address(scope),
        why=_header(scope, b"x-purpose")[:MOST_WHY],
        detail={"refused": detail} if detail else {},
    )


def _route(path: str) -> str:
    """The path without what may be a person's id."""
    found = PERSON.search(path)
    return path[: found.start("user")] + "{user_id}" if found else path


def _refusal(guards: Guards, scope: Scope, caller: Caller, error: Forbidden) -> Line:
    """The line of a refused access; of those that it named, the first."""
    tenant = _tenant(caller, scope)
    person = next(iter(_persons(guards.store, tenant, scope)), "")
    return _line(guards, scope, "refused", caller, tenant=tenant, person=person, detail=error.detail)


def _persons(store: Store, tenant: str, scope: Scope) -> list[str]:
    """Everyone whom a request names, as they are stored: each gets a line of their own."""
    found = PERSON.search(scope["path"])
    if found:
        named = [found["user"]]
    else:
        given = parse_qs(scope["query_string"].decode("latin-1")) if scope["query_string"] else {}
        named = [user for name in NAMES for text in given.get(name, ()) for user in _split(name, text)]
    return list(dict.fromkeys(known_as(store, tenant, user) for user in named if user))[:MOST_PERSONS]


def _split(name: str, text: str) -> list[str]:
    return [user.strip() for user in text.split(",")] if name in LISTS else [text]


def _tenant(caller: Caller, scope: Scope) -> str:
    found = TENANT.match(scope["path"])
    return caller.tenant or _asked_tenant(scope) or (found["tenant"] if found else "") or "default"


def _asked_tenant(scope: Scope) -> str:
    return _query(scope, "tenant_id")


def _query(scope: Scope, name: str) -> str:
    raw = scope["query_string"]
    if name.encode() not in raw and b"%" not in raw:
        return ""
    return str(parse_qs(raw.decode("latin-1")).get(name, [""])[-1])


def _header(scope: Scope, name: bytes) -> str:
    headers: Headers = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _roles(caller: Caller) -> str:
    return ", ".join(sorted(caller.roles)) or "nobody"


def _with(send: Send, headers: Headers) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return sending
