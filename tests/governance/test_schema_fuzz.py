"""Every route that OpenAPI describes, called with what its schema allows and with what it forbids: no answer is 5xx.

The same calls in every run, so that a red test stays red; ROLLBOOK_FUZZ_EXAMPLES asks for more, and for others each
time.
"""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.delivery.signing_in import School, school

EXAMPLES = int(os.environ.get("ROLLBOOK_FUZZ_EXAMPLES", "0"))
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "100000000", "ROLLBOOK_FAILED_PER_MINUTE": "100000000"}
FEWEST_OPERATIONS = 40
# answers that never end; tests/delivery/live has what they refuse
STREAMS = ("/api/v2/live/events",)


@dataclass
class Fuzzed:
    """A server, what it says of itself, and what it was seen to answer."""

    server: School
    operations: list[APIOperation[Any, Any, Any, Any]]
    secret: str
    statuses: dict[str, set[int]]

    def headers(self, caller: str) -> dict[str, str]:
        """What a caller shows."""
        shown = {
            "nobody": {},
            "guessing": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
            "reader": {"X-API-Key": self.server.keys["read"]},
            "admin": {"X-API-Key": self.server.keys["admin"]},
            "machine": {"X-Rollbook-Secret": self.secret},
        }
        return shown[caller]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """A server of its own, with everything that runs beside it."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with school(folder, **UNLIMITED) as server:
        with server.client() as client:
            described = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        found = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]
        found = [one for one in found if one.path not in STREAMS]
        secret = json.loads((folder / "serve.json").read_text())["secret"]
        yield Fuzzed(server, found, secret, {})


# examples of what the schema allows, and of what it forbids
CALLERS = {"nobody": (1, 1), "guessing": (1, 0), "reader": (1, 1), "admin": (3, 3), "machine": (2, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
def test_no_route_fails(fuzzed: Fuzzed, caller: str) -> None:
    assert len(fuzzed.operations) >= FEWEST_OPERATIONS
    failures: list[str] = []
    seen: Counter[int] = Counter()
    with httpx.Client(base_url=fuzzed.server.address, headers=fuzzed.headers(caller), timeout=60) as client:
        for operation in fuzzed.operations:
            for mode, examples in zip(GenerationMode, CALLERS[caller], strict=True):
                if examples:
                    failures += failing(client, operation, mode, EXAMPLES or examples, seen=seen)
        assert client.get("/health").json()["status"] == "ok"
    assert not failures, "\n".join(["", *failures])
    # it was not all refused at the door, and not all let through
    assert seen[401 if caller in ("nobody", "guessing") else 200] > len(fuzzed.operations) // 4, seen
    assert caller == "guessing" or seen[422] + seen[400] + seen[401] > 10, seen


def failing(
    client: httpx.Client,
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    examples: int,
    *,
    seen: Counter[int],
) -> list[str]:
    """The calls of one route that were answered 5xx, one of each kind, as one can repeat them."""
    found: dict[str, str] = {}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any) -> None:
        request = case.as_transport_kwargs(base_url=str(client.base_url).rstrip("/"))
        given_headers = {str(k): str(v) for k, v in (request.get("headers") or {}).items()}
        try:
            answer = client.request(
                request["method"],
                request["url"],
                params=request.get("params"),
                headers=given_headers,
                content=body(request),
            )
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError):
            # no HTTP: it cannot be sent
            return
        except httpx.TimeoutException:
            found[f"{operation.label} is never answered"] = f"{operation.label}: {case.as_curl_command()[:600]}"
            return
        seen[answer.status_code] += 1
        if answer.status_code >= 500:
            kind = f"{operation.label} {answer.status_code}"
            found.setdefault(kind, f"{kind}: {answer.text[:300]}: {case.as_curl_command()[:600]}")

    # a route without parameters has nothing that its schema forbids
    with contextlib.suppress(Unsatisfiable):
        call()
    return list(found.values())


def body(request: dict[str, Any]) -> bytes | None:
    """The body's bytes."""
    if "json" in request:
        return json.dumps(request["json"]).encode()
    data = request.get("data")
    return data.encode() if isinstance(data, str) else data
