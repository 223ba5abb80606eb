"""Dead letters: nothing that was refused is lost, and all of it can be taken in once what was wrong is mended."""

import json
from pathlib import Path
from typing import Any

import pytest

from rollbook.errors import NotJson
from rollbook.ingest import dead_letters as letters
from rollbook.ingest.intake import Intake
from rollbook.ingest.reasons import Rejected
from rollbook.store import Store, dead_letters
from tests import processes
from tests.ingest import kept

GOOD = b'{"event_type": "seen", "event_id": "good"}'


def only(store: Store, tenant: str) -> dict[str, Any]:
    """A tenant's only dead letter."""
    (letter,) = kept.letters(store, tenant)
    return letter


@pytest.mark.parametrize(
    ("bad", "reason", "stage", "encoding"),
    [
        (b'{"event_type":  "", "event_id": "x" }', "invalid_type", "measure", "text"),
        (b'{"event_type": "\xff\x00\xfe"}', "not_utf8", "read", "base64"),
        (b'{"event_type": "\\ud83c"}', "not_utf8", "read", "text"),
        ('{"event_type": "seen", "timestamp": "früher"}'.encode(), "invalid_timestamp", "read", "text"),
        (b'{"event_type": "seen", "timestamp": "1999-01-01T00:00:00Z"}', "timestamp_too_old", "date", "text"),
        (b'{"event_type": "seen", "user_id": "' + b"a" * 300 + b'"}', "too_long", "measure", "text"),
        (b'{"event_type": "seen", "metadata": [1]}', "invalid_properties", "weigh", "text"),
        (b"[" * 5_000 + b"]" * 5_000, "nested_too_deep", "read", "text"),
    ],
)
def test_a_letter_holds_the_bytes_as_they_came(
    store: Store, intake: Intake, tenant: str, bad: bytes, reason: str, stage: str, encoding: str
) -> None:
    receipt = intake.take_now(b"[" + GOOD + b",\n  " + bad + b"\n]", "native", tenant, "k")
    assert receipt.ingested == 1
    letter = only(store, tenant)
    assert letter["body"] == bad
    assert (letter["reason"], letter["encoding"], letter["position"]) == (reason, encoding, 1)
    assert letter["stage"] in (stage, "read")
    assert (letter["bytes"], letter["dialect"], letter["replayed"]) == (len(bad), "native", None)
    assert letter["detail"] == receipt.rejected[0].detail
    assert letter["received"] == kept.event(store, tenant)["received"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"nonsense", "not_json"), (b'[{"event_type": "a"},', "not_json"), (b"\xff\xfe\x00", "not_utf8")],
)
def test_a_body_that_cannot_be_read_is_a_letter_as_a_whole(
    store: Store, intake: Intake, tenant: str, body: bytes, reason: str
) -> None:
    with pytest.raises(NotJson) as caught:
        intake.take_now(body, "agent", tenant)
    letter = only(store, tenant)
    assert (letter["body"], letter["reason"], letter["stage"], letter["position"]) == (body, reason, "read", 0)
    assert letter["detail"] == caught.value.detail
    assert kept.counts(intake, tenant) == {("agent", "rejected"): 1}


def test_a_letter_belongs_to_its_own_tenant(store: Store, intake: Intake, tenant: str) -> None:
    other = f"{tenant}-other"
    told = [
        {"event_type": "", "tenant_id": other},
        {"event_type": "seen", "timestamp": "1999-01-01T00:00:00Z", "tenant_id": other},
        {"event_type": ""},
        {"event_type": "seen", "tenant_id": "a\x1fb"},
    ]
    intake.take_now(json.dumps(told).encode(), "native", tenant)
    assert [letter["position"] for letter in kept.letters(store, other)] == [0, 1]
    assert [letter["position"] for letter in kept.letters(store, tenant)] == [2, 3]


def test_listed_and_counted_by_reason(store: Store, intake: Intake, tenant: str) -> None:
    def send(*events: Any, dialect: str = "native") -> None:
        intake.take_now(json.dumps(events).encode(), dialect, tenant)

    send({"event_type": ""}, 5, {"event_type": ""})
    send({"type": ""}, dialect="ingest")
    engine = store.engine
    assert [row["reason"] for row in dead_letters.listed(engine, tenant, limit=2)] == ["invalid_type", "invalid_type"]
    assert [row["dialect"] for row in dead_letters.listed(engine, tenant)] == ["ingest", *["native"] * 3]
    assert [row["position"] for row in dead_letters.listed(engine, tenant, offset=1)] == [0, 1, 2]
    assert [row["position"] for row in dead_letters.listed(engine, tenant, reason="not_an_object")] == [1]
    assert dead_letters.listed(engine, tenant, reason="too_long") == []
    counted = {(row["reason"], row["dialect"]): row["letters"] for row in dead_letters.counted(engine, tenant)}
    assert counted == {("invalid_type", "native"): 2, ("invalid_type", "ingest"): 1, ("not_an_object", "native"): 1}


def test_a_replay_that_fails_again_changes_nothing(store: Store, intake: Intake, tenant: str) -> None:
    intake.take_now(b'[{"event_type": ""}, 5]', "native", tenant)
    before = kept.letters(store, tenant)
    done = letters.replay(intake, tenant)
    assert (done.replayed, done.duplicates) == (0, 0)
    assert {(one["id"], one["reason"]) for one in done.failed} == {(row["id"], row["reason"]) for row in before}
    # no letters of letters, and not counted as refused again
    assert kept.letters(store, tenant) == before
    assert kept.counts(intake, tenant) == {("native", "rejected"): 2}


def test_a_letter_that_was_cut_is_not_taken_in(store: Store, intake: Intake, tenant: str) -> None:
    most = store.settings.max_dead_letter_bytes
    body = b'{"event_type": "\xff", "metadata": {"a": "' + b"x" * most + b'"}}'
    intake.take_now(body, "native", tenant)
    letter = only(store, tenant)
    assert (letter["body"], letter["bytes"]) == (body[:most], len(body))
    (failed,) = letters.replay(intake, tenant).failed
    assert (failed["id"], failed["reason"]) == (letter["id"], "cut")
    assert f"only {most} of its {len(body)} bytes" in failed["detail"]


def test_a_letter_that_is_not_there_or_not_theirs(store: Store, intake: Intake, tenant: str) -> None:
    intake.take_now(b"[5]", "native", tenant)
    theirs = only(store, tenant)["id"]
    done = letters.replay(intake, f"{tenant}-other", [theirs, "nobody"])
    assert [(one["id"], one["reason"]) for one in done.failed] == [
        (key, "not_found") for key in sorted([theirs, "nobody"])
    ]
    assert letters.replay(intake, tenant, []) == letters.Replay()


def test_many_letters_are_replayed_together(store: Store, intake: Intake, tenant: str) -> None:
    # letters as an import leaves them that named no such type: readable once they are sent as native events
    refused = [
        Rejected(n, "type_not_allowed", "", b'{"event_type": "seen", "user_id": "u%d"}' % n, "screen")
        for n in range(1_200)
    ]
    intake.refuse(refused, tenant, "import:test")
    assert kept.counts(intake, tenant) == {("import:test", "rejected"): 1_200}
    done = letters.replay(intake, tenant)
    assert (done.replayed, done.duplicates, done.failed) == (1_200, 0, [])
    assert letters.replay(intake, tenant) == letters.Replay()
    assert len({row["user"] for row in kept.events(store, tenant)}) == 1_200
    (count,) = dead_letters.counted(store.engine, tenant)
    assert (count["letters"], count["replayed"]) == (1_200, 1_200)


# the same folder with a type denied, and then allowed
MENDED = """
    import json, sys
    from pathlib import Path
    from rollbook.ingest import dead_letters
    from rollbook.ingest.intake import Intake
    from rollbook.settings import load
    from rollbook.store import Store, dead_letters as table

    def open_book(**more):
        store = Store(load(data=Path(sys.argv[1]), **more))
        return store, Intake(store)

    def close(store, intake):
        intake.close()
        store.close()

    def told(done):
        print(json.dumps([done.replayed, done.duplicates, [one["reason"] for one in done.failed]]))

    store, intake = open_book(deny_types="spam, ham")
    body = [{"event_type": "spam", "event_id": "s"}] + [{"event_type": name} for name in ("spam", "ham", "ok")]
    print(json.dumps([one.index for one in intake.take_now(json.dumps(body).encode(), "native", "acme").rejected]))
    told(dead_letters.replay(intake, "acme"))
    close(store, intake)

    store, intake = open_book(deny_types="ham")
    told(dead_letters.replay(intake, "acme", reason="too_long"))
    told(dead_letters.replay(intake, "acme", reason="type_not_allowed"))
    ids = [row["id"] for row in table.listed(store.engine, "acme")]
    told(dead_letters.replay(intake, "acme", ids))
    # the client sends what it has kept, too
    print(intake.take_now(json.dumps(body[:1]).encode(), "native", "acme").duplicates)
    print(json.dumps([[row["position"], row["replayed"] is not None] for row in table.listed(store.engine, "acme")]))
    close(store, intake)

    # after an unclean stop, as after any other
    store, intake = open_book()
    told(dead_letters.replay(intake, "acme", ids))
    found = store.engine.query("select type, count() as n from events group by type order by type")
    print(json.dumps([[row["type"], row["n"]] for row in found]))
    close(store, intake)
"""


def test_once_what_was_wrong_is_mended_a_letter_counts_once(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in processes.run(MENDED, tmp_path)]
    assert lines == [
        [0, 1, 2],
        [0, 0, ["type_not_allowed"] * 3],
        [0, 0, []],
        [2, 0, ["type_not_allowed"]],
        [0, 2, ["type_not_allowed"]],
        1,
        [[0, True], [1, True], [2, False]],
        [1, 2, []],
        [["ham", 1], ["ok", 1], ["spam", 2]],
    ]
