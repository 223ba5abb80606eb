"""No tenant sees or changes anything of another: every route and every question, by every parameter that could do it.

Two schools have the same ids everywhere. What alpha is answered before there is a beta it is answered afterwards, and
no answer holds beta's word. Then alpha tries to change beta by its names and ids, and changes itself by all means there
are, an erasure too; beta is answered as before.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rollbook.analyses.catalogue import QUESTIONS
from rollbook.app import create_app
from rollbook.governance.access import ROUTES
from rollbook.settings import load
from tests.governance.two_schools import AGGREGATION, IDS, LEFT_OUT, QUERY, School, two_schools

Call = tuple[str, str, dict[str, str]]

# who looks changes these: what was asked, and when
CHANGING = re.compile(r"/api/v2/audit|/api/v2/ingest/counters|/sign-|/static/|/docs")
BODIES: dict[str, Any] = {
    "/export": {"format": "json", "start_date": "2026-03-01", "end_date": "2026-03-08"},
    "/api/v2/people/merge": {"keep": "bo", "merge": "cy"},
    "/api/v2/keys": {"role": "read"},
    "/api/v2/privacy/requests": {"kind": "erasure", "user_id": "ada"},
    "/api/v2/privacy/readmissions": {"user_id": "ada"},
    "/api/v2/privacy/requests/{request_id}/refuse": {"why": "no"},
    "/api/v2/dead-letters/replay": {},
    "/api/v2/consents/{user_id:path}": {"purpose": "analytics", "given": False},
    "/api/v2/segments/{segment}": {"title": "Changed", "condition": {"in_course": "c1"}},
    "/api/v2/directory": [{"user_id": "ada", "name": "Changed"}],
    "/api/v2/roster": {"people": [{"user_id": "ada", "traits": {"stars": "changed"}}]},
    "/api/v2/event-definitions/{event_type:path}": {"schema": {"type": "object"}},
    "/api/v2/tenants/{tenant}": {"settings": {"country": "DE"}},
    "/api/v2/events": [{"event_type": "more", "user_id": "ada", "timestamp": "2026-03-03T11:00:00Z"}],
    "/events": {"event_type": "more", "user_id": "ada", "timestamp": "2026-03-03T11:00:01Z", "metadata": {}},
    "/api/analytics/events/track": {"event_type": "XP_EARNED", "user_id": "ada", "timestamp": "2026-03-03T11:00:03Z"},
    "/api/v2/metrics": [{"name": "more", "value": 1, "timestamp": "2026-03-03T11:00:00Z"}],
    "/api/v2/metrics/query": {
        "metric_names": ["events", "more"],
        "aggregation": "sum",
        "time_range": {"start": "2026-03-01", "end": "2026-03-08"},
    },
    "/api/v2/aggregations": AGGREGATION | {"aggregation_id": "another"},
    "/api/v2/aggregations/{aggregation_id}": AGGREGATION | {"group_by": []},
    "/api/analytics/ingest": [{"type": "more", "user_id": "ada", "ts": "2026-03-03T11:00:02Z", "src": "x"}],
}
FEWEST_READS, FEWEST_SAME, FEWEST_WRITES = 45, 30, 20


@pytest.fixture(scope="module")
def schools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[School, School]]:
    """Both, empty."""
    with two_schools(tmp_path_factory.mktemp("schools")) as both:
        yield both


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """OpenAPI's paths."""
    paths: dict[str, Any] = create_app(load()).openapi()["paths"]
    return paths


def reads(described: dict[str, Any], ids: dict[str, str]) -> Iterator[Call]:
    """Every GET there is that ends, with ids in its path and in its parameters."""
    for method, path in ROUTES:
        if method == "GET" and not re.search("/sign-|/static/|/docs|/live", path):
            yield method, filled(path, ids), parameters(described, path)
    for kind in QUESTIONS:
        names = set(kind.model_fields) & QUERY.keys()
        for form in ("json", "csv", *(["chart"] if kind.chart else [])):
            yield "GET", f"/api/v2/ask/{kind.name()}", {name: QUERY[name] for name in sorted(names)} | {"format": form}


def parameters(described: dict[str, Any], path: str) -> dict[str, str]:
    """Those of a route that name somebody or a time."""
    listed = described.get(path.replace(":path", ""), {}).get("get", {}).get("parameters", [])
    names = [one["name"] for one in listed if one["in"] == "query" and one["name"] not in LEFT_OUT]
    return {name: QUERY[name] for name in names if name in QUERY}


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with ids for its names."""
    known = IDS | ids
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: known.get(found[1], found[1]), path)


def answers(school: School, described: dict[str, Any]) -> dict[str, str]:
    """All that a school is answered about itself."""
    found = {}
    for method, path, given in reads(described, school.ids):
        answer = school.call(method, path, **given)
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code == 200 and not CHANGING.search(path):
            found[f"{path} {given}"] = answer.text
    return found


def same(*some: dict[str, str]) -> dict[str, str]:
    """The answers that do not change by themselves."""
    first, *others = some
    return {call: text for call, text in first.items() if all(other.get(call) == text for other in others)}


@pytest.mark.slow
def test_no_tenant_reaches_another(schools: tuple[School, School], described: dict[str, Any]) -> None:
    alpha, beta = schools
    alpha.fill(days=3)
    before = same(answers(alpha, described), answers(alpha, described))
    assert len(before) >= FEWEST_SAME
    assert sum(alpha.word in text for text in before.values()) >= 5
    beta.fill(days=6)
    beta_before = same(answers(beta, described), answers(beta, described))
    assert sum(beta.word in text for text in beta_before.values()) >= 5

    assert not changed(before, answers(alpha, described))
    assert not seen(alpha, beta, described)
    assert not written(alpha, beta, described)
    assert not changed(beta_before, answers(beta, described))


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What is answered otherwise than before."""
    return [
        f"{call}: {text[:300]} -> {after.get(call, '')[:300]}"
        for call, text in before.items()
        if after.get(call) != text
    ]


def seen(alpha: School, beta: School, described: dict[str, Any]) -> list[str]:
    """What alpha is answered of beta, by beta's ids and its name."""
    offences, calls = [], 0
    secrets = (beta.word, *(beta.ids[name] for name in ("key", "letter_id", "request_id")))
    for ids in (alpha.ids, beta.ids):
        for method, path, given in reads(described, ids):
            for more in ({}, {"tenant_id": "beta"}, {"tenant": "beta"}, {"tenantId": "beta", "tenant_id": "alpha"}):
                answer = alpha.call(method, path, **(given | more))
                calls += 1
                # that there is nothing of an id is said with the id; and the trail holds what alpha itself has tried
                own = path if "/api/v2/audit" not in path else " ".join(secrets[1:])
                told = [one for one in secrets if one in answer.text and one not in own]
                offences += [f"{path} {more}: holds {one}" for one in told]
                is_public = ROUTES.get((method, path)) == "public"
                if more.get("tenant_id") == "beta" and not is_public and answer.is_success:
                    offences.append(f"{path} {more}: {answer.status_code}")
    assert calls >= FEWEST_READS * 8
    return offences


def written(alpha: School, beta: School, described: dict[str, Any]) -> list[str]:
    """What alpha could change of beta; in the end alpha changes itself by all the same means."""
    offences, calls = [], 0
    routes = [(method, path) for method, path in ROUTES if method != "GET" and not path.startswith("/sign-")]
    for method, path in routes:
        body = BODIES.get(path)
        for ids, more in ((beta.ids, {}), (beta.ids, {"tenant_id": "beta"}), (alpha.ids, {"tenant_id": "beta"})):
            if not more and filled(path, ids) == filled(path, alpha.ids):
                continue
            answer = alpha.call(method, filled(path, ids), body, **more)
            calls += 1
            if answer.status_code not in (401, 403, 404, 409, 422):
                offences.append(f"{method} {path} {more}: {answer.status_code} {answer.text[:200]}")
    # what cannot be read is kept, but not among beta's dead letters
    alpha.call("POST", "/api/v2/events", [{"tenant_id": "beta", "user_id": 7}, {"tenant_id": "beta", "timestamp": "?"}])
    ways = {"/api/v2/events": "event_type", "/events": "event_type", "/api/analytics/ingest": "type"}
    for path, name in (ways | {"/api/analytics/events/track": "event_type"}).items():
        event = {name: "stolen", "user_id": "ada", "tenant_id": "beta", "timestamp": "2026-03-03T11:00:00Z"}
        answer = alpha.call("POST", path, [event])
        calls += 1
        if answer.is_success and answer.json()["ingested"]:
            offences.append(f"{path} with tenant_id in its event: {answer.text}")
    stolen = [one["id"] for one in alpha.done("GET", "/api/v2/dead-letters")["dead_letters"]]
    alpha.done("POST", "/api/v2/dead-letters/replay", {"ids": stolen})
    for method, path in routes:
        alpha.call(method, filled(path, alpha.ids), BODIES.get(path))
        calls += 1
    assert calls >= FEWEST_WRITES
    return offences
