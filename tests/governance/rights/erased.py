"""A world of which one person is to be erased: they are everywhere, and others are beside them."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rollbook.analyses.ask import ask
from rollbook.analyses.learner.learners import Learners
from rollbook.app import Rollbook
from rollbook.governance import consent, roster
from rollbook.governance.audit import Line
from rollbook.governance.consent import Decision
from rollbook.governance.directory import Directory
from rollbook.governance.grants import Grant
from rollbook.governance.lifecycle import Expiry
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.rights import Request
from rollbook.governance.tenants import tenants_of
from rollbook.settings import Settings, load

# the first id is that of events; the other was found to be the same person
ADA, ALSO_ADA = "ada.lovelace@school.example", "sis-0018151210"
PLAIN, VEILED = "plain", "veiled"
OTHERS = tuple(f"learner-{number:03}" for number in range(12))
BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def settings(data: Path) -> Settings:
    """Settings of the world."""
    return load(data=data, auth="none", roll_quiet_seconds=10**9)


def build(book: Rollbook, tenant: str, *, events: int = 40) -> None:
    """Tell everything of everyone."""
    tenants_of(book.store).create(tenant, pseudonyms=tenant == VEILED, directory=True)
    everyone = (*OTHERS, ADA, ALSO_ADA)
    # of these only the archive and what is sealed are left
    send(book, tenant, [_event(f"{tenant}-old", user, n) for user in everyone for n in range(10)])
    book.store.rollups.roll(quiet_seconds=0, of=tenant)
    Expiry(book.store).run(datetime.now(UTC) + timedelta(days=400), of=tenant)
    send(book, tenant, [_event(tenant, user, n + 100) for user in everyone for n in range(events)])
    book.store.rollups.roll(quiet_seconds=0, of=tenant)
    # what cannot be taken in goes to the dead letters
    send(
        book,
        tenant,
        [{"event_type": "", "user_id": ADA}, {"event_type": "view", "user_id": OTHERS[0], "timestamp": "?"}],
    )
    _tell_records(book, tenant)
    book.store.rollups.reheat(tenant)
    book.store.rollups.roll(quiet_seconds=0, of=tenant)


def send(book: Rollbook, tenant: str, events: list[dict[str, Any]]) -> tuple[int, int]:
    """Send events; how many were taken and how many refused."""
    receipt = book.intake.take_now(json.dumps(events).encode(), "native", tenant)
    return receipt.ingested, len(receipt.rejected)


def request(book: Rollbook, tenant: str, kind: Any, user: str, **wishes: Any) -> Request:
    """Ask, and wait until it has ended."""
    grant = Grant(tenant)
    asked = book.rights.ask(grant, kind, user, wishes)
    return ended(book, tenant, asked.request_id)


def ended(book: Rollbook, tenant: str, request_id: str) -> Request:
    """A request when it has ended."""
    while (found := book.rights.show(Grant(tenant), request_id)).state in ("received", "running"):
        time.sleep(0.05)
    return found


def words(book: Rollbook, tenant: str) -> list[str]:
    """Everything that the person is known by."""
    stored = {known_as(book.store, tenant, user) for user in (ADA, ALSO_ADA)}
    return sorted({ADA, ALSO_ADA} | stored)


def kept(book: Rollbook, tenant: str, words: list[str], *, ask_first: bool = True) -> bool:
    """Whether kept answers hold the person; `ask_first`: after a question whose rows name everyone."""
    if ask_first:
        ask(book.store, Learners(as_of=datetime.now(UTC) - timedelta(hours=1)), tenant)
        assert book.store.answers.bytes()
    rows = b"".join(one.rows for one in book.store.answers._kept.values())
    return any(word.encode() in rows for word in words)


def hashes(book: Rollbook, tenant: str) -> list[int]:
    """The hashes of the person in columns."""
    sql = "select sipHash64({user:String}) as h"
    return [book.store.engine.query(sql, {"user": word})[0]["h"] for word in words(book, tenant)]


def others(book: Rollbook, tenant: str) -> dict[str, Any]:
    """All that is known of the others: their events but for the texts, and what was counted."""
    mine = [known_as(book.store, tenant, user) for user in (ADA, ALSO_ADA)]
    tables = {
        "events": "id, type, user, timestamp, received, course, score, duration",
        "activity": "day, course, user, type, sum(events) as n, sum(seconds) as s",
        "people": "user, min(first) as f, max(last) as l",
        "sealed_activity": "day, course, user, type, sum(events) as n",
    }
    ends = {"events": "", "activity": "group by day, course, user, type", "people": "group by user"}
    ends |= {"sealed_activity": "group by day, course, user, type"}
    bound = {"tenant": tenant, "mine": mine}
    found: dict[str, Any] = {}
    for table, columns in tables.items():
        where = "tenant = {tenant:String} and user not in {mine:Array(String)}"
        sql = f"select {columns} from {table} where {where} {ends[table]} order by all"
        found[table] = book.store.engine.query(sql, bound)
    return found


def _event(tenant: str, user: str, number: int) -> dict[str, Any]:
    at = BEGIN + timedelta(hours=11 * number)
    told: dict[str, Any] = {"course_id": f"course-{number % 3}", "duration": 60, "page": number}
    if user == ADA:
        told["note"] = f"I am {ADA}"
    elif number % 5 == 0:
        told |= {"peer_id": ADA, "note": f"with {ADA}, and\n{ADA}"}
    return {
        "event_id": f"{tenant}-{OTHERS.index(user) if user in OTHERS else 'x' + user}-{number}",
        "event_type": "view" if number % 2 else "quiz_completion",
        "user_id": user,
        "timestamp": at.isoformat(),
        "metadata": told,
    }


def _tell_records(book: Rollbook, tenant: str) -> None:
    store = book.store
    ada, other = known_as(store, tenant, ADA), known_as(store, tenant, OTHERS[0])
    store.records.put_courses([{"tenant": tenant, "id": "course-1", "module": "m", "presentation": "p"}])
    for learner in (ada, other):
        store.records.put_learners([{"tenant": tenant, "id": learner, "traits": {"age": 17}}])
        row = {"tenant": tenant, "learner": learner, "course": "course-1", "result": "pass", "traits": {}}
        store.records.put_enrolments([row])
    told: dict[str, Any] = {
        "people": [{"user_id": user, "birth_year": 2000} for user in (ADA, OTHERS[0])],
        "memberships": [{"course_id": "course-1", "user_id": user, "role": "learner"} for user in (ADA, OTHERS[0])],
        "guardianships": [{"ward_id": OTHERS[1], "guardian_id": ADA, "verified_by": OTHERS[0]}],
    }
    roster.put(store, tenant, roster.Told.model_validate(told))
    roster.merge(store, tenant, ADA, ALSO_ADA, by=ADA)
    Directory(store, tenant).put({ADA: {"name": "Ada Lovelace"}, OTHERS[0]: {"name": "Someone"}})
    third = known_as(store, tenant, OTHERS[2])
    consent.decide(store, tenant, *(Decision(user=user, purpose="text", given=True) for user in (ada, third)))
    send(book, tenant, [_message(ADA, 1), _message(OTHERS[2], 1, f"dear {ADA}!")])
    # taking it back writes a mutation that names the person
    for given in (False, True):
        consent.decide(store, tenant, Decision(user=ada, purpose="text", given=given))
    send(book, tenant, [_message(ADA, 2)])
    book.trail.note_now(
        Line(tenant, "read", "timeline", actor=ada, credential="token", person=ada, address="192.0.2.7")
    )


def _message(user: str, number: int, text: str = "what is a number?") -> dict[str, Any]:
    told = {"conversation_id": f"talk-of-{user}", "text": text}
    return {"event_id": f"message-{user}-{number}", "event_type": "chat.message", "user_id": user, "metadata": told}


def rows_of(book: Rollbook, tenant: str) -> int:
    """How many events there are of the person."""
    users = words(book, tenant)
    sql = "select count() as n from events where tenant = {tenant:String} and user in {users:Array(String)}"
    rows: int = book.store.engine.query(sql, {"tenant": tenant, "users": users})[0]["n"]
    return rows


def trail(book: Rollbook, tenant: str) -> bool:
    """Whether the trail can say that a line was about the person."""
    return bool(book.trail.identities.found(tenant, words(book, tenant)))
