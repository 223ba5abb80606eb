"""Enrichment: what is added to events on their way in, and that no event is lost for it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.learner.timeline import Timeline
from rollbook.governance.consent import Decision, decide
from rollbook.governance.tenants import tenants_of
from rollbook.ingest.batch import Sender
from rollbook.ingest.enriching.context import with_context
from rollbook.ingest.enriching.enricher import Around, Incoming, Members
from rollbook.ingest.enriching.enriching import ENRICHERS, Enriching
from rollbook.ingest.intake import Intake
from rollbook.store import Store
from tests.ingest import kept
from tests.stories import happened, tell


def send(intake: Intake, tenant: str, at: str = "2026-03-02T10:00:00Z", **properties: Any) -> None:
    """Send one event."""
    event = {"event_type": "seen", "user_id": "ada", "timestamp": at, "metadata": properties}
    assert intake.take_now(json.dumps([event]).encode(), "native", tenant).ingested == 1


def contexts(store: Store, tenant: str) -> list[Members]:
    """What was added to a tenant's events, in order of time."""
    return [row["properties"].get("context", {}) for row in kept.events(store, tenant)]


def test_nothing_is_added_unless_it_is_wanted(store: Store, intake: Intake, tenant: str) -> None:
    send(intake, tenant, page="/a")
    assert kept.event(store, tenant)["properties"] == {"page": "/a"}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Monday, 2 March 2026; Zurich is an hour ahead
        ("2026-03-02T07:00:00Z", {"weekday": 1, "hour": 8, "business_hours": True}),
        ("2026-03-02T06:59:59.999Z", {"weekday": 1, "hour": 7, "business_hours": False}),
        ("2026-03-02T15:29:59Z", {"weekday": 1, "hour": 16, "business_hours": True}),
        ("2026-03-02T15:30:00Z", {"weekday": 1, "hour": 16, "business_hours": False}),
        ("2026-03-03T09:00:00Z", {"weekday": 2, "hour": 10, "business_hours": False, "holiday": True}),
        ("2026-03-06T23:30:00Z", {"weekday": 6, "hour": 0, "business_hours": False}),
    ],
)
def test_time_is_told_by_the_tenants_clocks(
    store: Store, intake: Intake, tenant: str, at: str, expected: Members
) -> None:
    hours = {"days": [1, 2, 3, 4, 5], "begins": "08:00", "ends": "16:30"}
    tenants_of(store).change(tenant, enrichers=["time"], business_hours=hours, holidays=["2026-03-03"])
    store.set_timezone(tenant, "Europe/Zurich")
    send(intake, tenant, at)
    assert contexts(store, tenant) == [{"time": expected}]


def test_learners_bring_what_is_known_of_them(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, enrichers=["learner"])
    tell(store, tenant, [happened("seen", "ada", "2026-02-20T08:00"), happened("seen", "ada", "2026-02-25T08:00")])
    store.rollups.roll(quiet_seconds=0, of=tenant)
    store.records.put_learners(
        [{"tenant": tenant, "id": "ada", "traits": {"segment": "evening", "lifetime_value": 12.5}}]
    )
    send(intake, tenant)
    assert contexts(store, tenant)[-1] == {
        "learner": {
            "segment": "evening",
            "lifetime_value": 12.5,
            "first_seen": "2026-02-20T08:00:00.000Z",
            "days_known": 10,
            "days_active": 2,
        }
    }


def test_business_is_read_from_the_event_and_from_traits(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, enrichers=["business"])
    store.records.put_learners([{"tenant": tenant, "id": "ada", "traits": {"tier": "gold"}}])
    send(intake, tenant, "2026-03-02T10:00:00Z", utm_source="mail", utm_campaign="spring", experiment_id=7, variant="b")
    send(
        intake, tenant, "2026-03-02T10:00:01Z", page_url="https://x.org/?utm_source=ad&utm_medium=cpc&q=1", plan="free"
    )
    send(intake, tenant, "2026-03-02T10:00:02Z", campaign="autumn")
    send(intake, tenant, "2026-03-02T10:00:03Z", campaign={"name": "autumn", "secret": "x"}, variant=[1])
    assert [one["business"] for one in contexts(store, tenant)] == [
        {"campaign": {"source": "mail", "campaign": "spring"}, "experiment": "7", "variant": "b", "tier": "gold"},
        {"campaign": {"source": "ad", "medium": "cpc"}, "tier": "free"},
        {"campaign": {"name": "autumn"}, "tier": "gold"},
        {"campaign": {"name": "autumn"}, "tier": "gold"},
    ]


def test_system_says_how_things_are(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, enrichers=["system"], feature_flags={"new_player": True})
    send(intake, tenant)
    (found,) = contexts(store, tenant)
    assert (found["system"]["health"], found["system"]["flags"]) == ("ok", {"new_player": True})
    assert found["system"]["load"] >= 0
    assert found["system"]["queue"] == 0


class Broken:
    """An enricher that fails: before anything, or for single events."""

    name = "business"

    def __init__(self, first: bool) -> None:
        self._first = first

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """Fails, or gives what fails for pages."""
        if self._first:
            raise ZeroDivisionError

        def members(event: Incoming) -> Members:
            return {"page": event.properties["page"]}

        return members


@pytest.fixture
def breaking(intake: Intake, store: Store) -> Iterator[Callable[[Broken], None]]:
    """Puts a broken enricher in the place of one of the others."""
    before = intake._enriching

    def put(broken: Broken) -> None:
        others = [one for one in ENRICHERS if one.name != broken.name]
        intake._enriching = Enriching(store, lambda: 0.0, [*others, broken])

    yield put
    intake._enriching = before


@pytest.mark.parametrize("first", [True, False])
def test_a_failing_enricher_lets_the_event_through(
    store: Store, intake: Intake, tenant: str, breaking: Callable[[Broken], None], first: bool
) -> None:
    tenants_of(store).change(tenant, enrichers=["time", "business"])
    breaking(Broken(first))
    send(intake, tenant, "2026-03-02T10:00:00Z", other=1)
    send(intake, tenant, "2026-03-02T10:00:01Z", page="/a")
    failed, other = contexts(store, tenant)
    assert failed["enrichment_failed"] == ["business"]
    assert failed["time"]["hour"] == 10
    assert other.get("enrichment_failed") == (["business"] if first else None)
    counts = kept.counts(intake, tenant)
    assert counts["native", "unenriched"] == (2 if first else 1)
    assert counts["native", "accepted"] == 2


def test_properties_that_nothing_can_read_are_only_not_enriched(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, enrichers=["time", "business"])
    body = b'[{"event_type": "seen", "timestamp": "2026-03-02T10:00:00Z", "metadata": {"n": 1e999}}]'
    assert intake.take_now(body, "native", tenant).ingested == 1
    found = kept.event(store, tenant)["properties"]
    assert found["context"]["enrichment_failed"] == ["business"]
    assert "time" in found["context"]


def test_what_was_added_is_in_the_timeline(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).create(tenant, enrichers=["time"])
    send(intake, tenant)
    (row,) = ask(store, Timeline(user="ada"), tenant).rows
    assert row.properties["context"]["time"]["weekday"] == 1


NAMES = st.sampled_from(("a", "context", "b\\u0061c", 'con"text', "problems"))
VALUES = st.sampled_from(("1", '"x"', "[1, 2]", '{"a": 1, "time": 2}', "null", '"\\"context\\""'))


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(("", " ", "\n")))
def test_only_the_context_changes(members: dict[str, str], space: str) -> None:
    text = "{" + space + ",".join(f"{json.dumps(name)}:{space}{value}" for name, value in members.items()) + space + "}"
    before, added = json.loads(text), {"time": {"hour": 9}}
    after = json.loads(with_context(text.encode(), added))
    context, sent = after.pop("context"), before.pop("context", {})
    assert after == before
    assert context == (sent if isinstance(sent, dict) else {"sent": sent}) | added


def identify(intake: Intake, tenant: str, traits: Any, *, at: datetime, key: str | None = None) -> None:
    """Tell traits of ada."""
    event = {"event_type": "identify", "user_id": "ada", "timestamp": at.isoformat(), "metadata": {"traits": traits}}
    intake.take_now(json.dumps([event]).encode(), "native", tenant, key)


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def traits(store: Store, tenant: str) -> Any:
    """What is known of the tenant's only learner."""
    (found,) = store.records.learners(tenant)
    return found["traits"]


def test_identify_tells_traits_in_the_order_of_time(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).change(tenant, enrichers=["learner"])
    identify(intake, tenant, {"segment": "new", "age": 7, "list": [1], "far": 1e300}, at=NOON, key="one")
    assert traits(store, tenant) == {"segment": "new", "age": 7, "far": 1e300}
    identify(intake, tenant, {"segment": "old", "age": None}, at=NOON + HOUR)
    assert traits(store, tenant) == {"segment": "old", "far": 1e300}
    # late, and sent again
    identify(intake, tenant, {"segment": "older", "locale": "de"}, at=NOON - HOUR)
    identify(intake, tenant, {"segment": "new", "age": 7}, at=NOON, key="one")
    assert traits(store, tenant) == {"segment": "old", "far": 1e300, "locale": "de"}
    send(intake, tenant, "2026-03-02T15:00:00Z")
    assert contexts(store, tenant)[-1]["learner"]["segment"] == "old"


def test_traits_of_pseudonyms_hold_no_names(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).create(tenant)
    told = {
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "phone": "+44 20 7946 0958",
        "note": "x@example.org",
        "age": 7,
    }
    identify(intake, tenant, told, at=NOON)
    (learner,) = store.records.learners(tenant)
    assert (learner["id"][:3], learner["traits"]["age"]) == ("p1_", 7)
    assert not [word for word in ("Ada", "Lovelace", "example.org", "7946") if word in str(learner)]


def test_nobody_makes_themselves_a_gold_customer(store: Store, intake: Intake, tenant: str) -> None:
    event = {"event_type": "identify", "metadata": {"traits": {"tier": "gold", "segment": "vip", "locale": "de"}}}
    sender = Sender(tenant, "ada", credential="token:ada")
    intake.take_later(json.dumps([event]).encode(), "native", tenant, sender=sender)()
    assert traits(store, tenant) == {"locale": "de"}


def test_nothing_is_told_of_who_may_not_be_counted(store: Store, intake: Intake, tenant: str) -> None:
    decide(store, tenant, Decision(user="ada", purpose="analytics", given=False))
    identify(intake, tenant, {"segment": "new"}, at=NOON)
    assert store.records.learners(tenant) == []


def test_properties_are_scrubbed_before_traits_are_read(store: Store, intake: Intake, tenant: str) -> None:
    tenants_of(store).create(tenant, pseudonyms=False, scrub=True)
    identify(intake, tenant, {"email": "ada@example.org", "note": "ask bo@example.org", "age": 7}, at=NOON)
    assert traits(store, tenant) == {"email": "[email]", "note": "ask [email]", "age": 7}
