"""Two schools on one server, alike in every id, each with a word of its own in all that is told of it."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.cli.terminal import serving
from tests.processes import run

KEYS = """
    import json, sys
    from pathlib import Path
    from rollbook.governance.keys import Keys
    from rollbook.governance.tenants import Tenants
    from rollbook.settings import load
    from rollbook.store import Store

    with Store(load(data=Path(sys.argv[1]))) as store:
        made = {}
        for tenant in ("alpha", "beta"):
            Tenants(store).create(tenant, pseudonyms=False, directory=True, directory_information=["stars"])
            made[tenant] = Keys(store).create(tenant, "admin")[0]
    print(json.dumps(made))
"""
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "100000000", "ROLLBOOK_FAILED_PER_MINUTE": "100000000"}
AS_OF = "2026-03-08T12:00:00Z"
PEOPLE = ("ada", "bo", "cy")

# what every school has, by the same names
IDS = {
    "user_id": "ada",
    "course_id": "c1",
    "conversation_id": "talk",
    "user": "ada",
    "person": "ada",
    "actor": "ada",
}
QUERY = IDS | {
    "as_of": AS_OF,
    "cohort_date": "2026-03-02",
    "date": "2026-03-02",
    "start": "2026-03-01",
    "end": "2026-03-08",
    "steps": "quiz_completion,never",
    "event": "quiz_completion",
    "days": "30",
    "experiment": "hints",
    "goal": "quiz_completion",
    "metric_names": "events",
    "size": "7200",
    "aggregation_id": "by-note",
    "content": "q1",
}
AGGREGATION = {
    "aggregation_id": "by-note",
    "window": {"window_type": "tumbling", "window_size": {"size": 1, "unit": "hours"}, "retention": 30 * 86_400},
    "group_by": ["note"],
}
# these mean something else where they are optional, or narrow an answer to nothing
LEFT_OUT = ("actor", "action", "type", "state", "reason", "from", "to", "limit", "offset", "replayed", "now")


@dataclass
class School:
    """One tenant, called by its own key."""

    tenant: str
    client: httpx.Client
    word: str
    ids: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, **parameters: str) -> httpx.Response:
        """One request."""
        return self.client.request(method, path, json=body, params=parameters)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """A request that succeeds."""
        answer = self.call(method, path, body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def fill(self, days: int) -> None:
        """Events on so many days, a roster, names, decisions, a dead letter, a key and a request."""
        self.done("PUT", "/api/v2/roster", self._roster())
        self.done("PUT", "/api/v2/directory", [{"user_id": user, "name": f"{user} {self.word}"} for user in PEOPLE])
        self.done("POST", "/api/v2/events", list(self._events(days)))
        self.call("POST", "/api/v2/events", [{"event_type": "x", "user_id": "ada", "timestamp": self.word}])
        made = self.done("POST", "/api/v2/metrics", {"name": f"cpu.{self.word}", "value": 1, "metric_id": "m"})
        assert made["ingested"] == 1
        self.done("POST", "/api/v2/aggregations", AGGREGATION)
        keen = {"title": self.word, "condition": {"did": {"type": "quiz_completion"}}}
        self.done("PUT", "/api/v2/segments/keen", keen)
        decision = {"purpose": "sharing", "given": True, "evidence": self.word}
        self.done("PUT", "/api/v2/consents/ada", decision)
        made = self.done("POST", "/api/v2/keys", {"role": "read", "name": self.word})
        asked = self.done("POST", "/api/v2/privacy/requests", {"kind": "access", "user_id": "bo"})
        letters = json.dumps(self.done("GET", "/api/v2/dead-letters"))
        letter = re.search(r'"id": "([^"]+)"', letters)
        assert letter
        self.ids |= {
            "key": made["id"],
            "request_id": asked["request_id"],
            "letter_id": letter[1],
            "merge_id": "1",
            "aggregation_id": "by-note",
            "segment": "keen",
            "tenant": self.tenant,
        }

    def _events(self, days: int) -> Iterator[dict[str, Any]]:
        for day in range(1, days + 1):
            for number, user in enumerate(PEOPLE):
                yield {
                    "event_id": f"{user}-{day}",
                    "event_type": "quiz_completion",
                    "user_id": user,
                    "timestamp": f"2026-03-0{day}T10:0{number}:00Z",
                    "course_id": "c1",
                    "conversation_id": "talk",
                    "content_id": f"content-{self.word}",
                    "concept_id": f"concept-{self.word}",
                    "score": 50 + days * 5,
                    "properties": {"note": self.word, "message": f"text {self.word}"},
                }
        yield {
            "event_id": "own",
            "event_type": f"seen_{self.word}",
            "user_id": "ada",
            "timestamp": "2026-03-02T09:00:00Z",
        }

    def _roster(self) -> dict[str, Any]:
        return {
            "people": [{"user_id": user, "traits": {"stars": self.word}} for user in PEOPLE],
            "courses": [{"course_id": "c1", "title": f"Course {self.word}"}],
            "memberships": [{"user_id": user, "course_id": "c1", "role": "learner"} for user in PEOPLE],
        }


@contextlib.contextmanager
def two_schools(folder: Path) -> Iterator[tuple[School, School]]:
    """The server, and the schools alpha and beta, still empty."""
    keys = json.loads(run(KEYS, folder)[-1])
    with (
        serving(folder, ROLLBOOK_AUTH="required", LOG_LEVEL="ERROR", **UNLIMITED) as server,
        contextlib.ExitStack() as on,
    ):

        def school(tenant: str) -> School:
            headers = {"X-API-Key": keys[tenant]}
            client = httpx.Client(base_url=server.address, headers=headers, trust_env=False, timeout=60)
            return School(tenant, on.enter_context(client), f"{tenant}secret")

        yield school("alpha"), school("beta")
