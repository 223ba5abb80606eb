"""The tables of access: nothing is missing, nothing is left over, and every role reaches just as far as they say."""

import itertools
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from rollbook.analyses.catalogue import BY_NAME
from rollbook.app import create_app
from rollbook.governance.access import PERMISSIONS, QUESTIONS, ROUTES, permission_of, reach_of
from rollbook.governance.caller import ROLES, Caller
from rollbook.settings import load

ASKING = re.compile(r"/api/v2/ask/")


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The whole application, not started."""
    return create_app(load())


def addresses(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of everything that is served."""
    for route in routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/{{name:path}}"
        elif isinstance(route, Route):
            for method in sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"}):
                yield method, route.path
        elif isinstance(route, WebSocketRoute):
            yield "GET", route.path
        else:
            yield from addresses(list(getattr(route, "routes", None) or vars(route)["original_router"].routes))


def test_every_route_has_its_line_and_every_line_its_route(app: FastAPI) -> None:
    served = {(method, path) for method, path in addresses(app.router.routes) if not ASKING.match(path)}
    assert served == ROUTES.keys()


def test_every_question_has_its_line() -> None:
    assert QUESTIONS.keys() == BY_NAME.keys()


def test_what_is_in_no_table_has_no_permission() -> None:
    assert permission_of("GET", "/nowhere") is None
    assert permission_of("DELETE", "/events") is None
    assert permission_of("GET", "/api/v2/ask/nothing") is None
    assert permission_of("POST", "/api/v2/ask/totals") is None
    assert permission_of("GET", "/metrics/") is None
    assert permission_of("GET", "/metrics/a/b") == "ask_person"
    assert permission_of("HEAD", "/health") == "public"


def test_only_what_tells_nothing_of_anybody_is_public() -> None:
    public = {path for (_, path), permission in ROUTES.items() if permission == "public"}
    told = re.compile(
        r"^/(health|api/v2/health|api/analytics/(healthz|docs|openapi.json)|docs.*|openapi.json|static/.*|sign-.*|api/v2/questions)$"
    )
    assert [path for path in public if not told.match(path)] == []


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
def test_the_widest_role_decides(permission: str) -> None:
    order = ["tenant", "cells", "courses", "wards", "self", None]
    for one, other in itertools.combinations(ROLES, 2):
        alone = [reach_of(Caller("t", frozenset({role}), "test"), permission) for role in (one, other)]  # type: ignore[arg-type]
        both = reach_of(Caller("t", frozenset({one, other}), "test"), permission)  # type: ignore[arg-type]
        assert both == min(alone, key=order.index)


def test_a_key_is_limited_to_what_it_is_for() -> None:
    key = Caller("t", frozenset({"service"}), "key:1", only=frozenset({"write"}))
    assert reach_of(key, "write") == "tenant"
    assert reach_of(key, "ask_many") is None


def test_the_operator_sees_nobody() -> None:
    operator = Caller("", frozenset({"operator"}), "token:op")
    personal = set(PERMISSIONS) - {"operate", "import", "public"}
    assert [p for p in personal if reach_of(operator, p) is not None] == []
