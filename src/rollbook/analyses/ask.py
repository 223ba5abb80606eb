"""Asking: a question, a store and a tenant give an answer."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from rollbook.analyses import celled, segments
from rollbook.analyses.asking import sides
from rollbook.analyses.asking.answered import Answered
from rollbook.analyses.asking.reading import allowed, bind, keeping_of, raw_since, reach, scope_of, stored
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import A, Question, When, aware, parameters
from rollbook.errors import Forbidden
from rollbook.governance.cells import is_small
from rollbook.governance.grants import Grant, granted
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store

__all__ = ["Answered", "allowed", "as_asked", "ask", "bind", "reach", "stored"]


def ask(store: Store, question: Question[A], grant: Grant | str = "default") -> Answered[A]:
    """Ask. The answer holds every event acknowledged before the call that the grant and people's consent allow.

    Raises Forbidden if it names people that the grant does not hold, Invalid, NotFound, QueryTimeout or Unavailable.
    """
    seen = granted(grant)
    sides.check(question)
    if seen.cells:
        _crowd(store, question, seen)
    if question.breakdown and not question.splits:
        return sides.broken_down(store, question, seen, ask)
    if question.compare:
        return sides.compared(store, question, seen, ask)
    return _ask_of_groups(store, question, seen) if seen.cells else _ask(store, question, seen)


def _ask(store: Store, question: Question[A], grant: Grant) -> Answered[A]:
    zone = store.zone_of(grant.tenant)
    when = When(grant.tenant, question.as_of or aware(datetime.now(UTC)), question.timezone or zone)
    settled = question.settled(store.settings)
    keeping = keeping_of(store, settled, grant.tenant)
    asked = stored(store, settled, grant.tenant).informed(store, grant.tenant)
    with store.rollups.reading(grant.tenant) as hot:
        scope = scope_of(store, asked, grant, when, hot)
        found = store.answers.query(*bind(asked, scope, when), keeping)
    answered = Answered[A](
        question=question.name(),
        parameters=parameters(question),
        as_of=when.now,
        timezone=when.zone,
        raw_since=raw_since(store, asked, scope, when),
        rows=[as_asked(row, question, asked) for row in asked.rows(found.rows, when)],
    )
    answered._found = found if keeping else None
    return answered


def _ask_of_groups(store: Store, question: Question[A], grant: Grant) -> Answered[A]:
    """The answer up to the last whole day, without rows that few people stand behind."""
    zone, tenant = store.zone_of(grant.tenant), tenants_of(store).settings(grant.tenant)
    crowd = _crowd(store, question, grant)
    asked = question.model_copy(update={"as_of": celled.whole(question.as_of, zone, perturbed=tenant.perturbation)})
    if (least := getattr(question, "least_people", None)) is not None:
        asked = asked.model_copy(update={"least_people": max(least, tenant.smallest_cell)})
    everyone = dataclasses.replace(grant, cells=False)
    _check_group(store, asked, everyone, tenant.smallest_cell)
    answered = ask(store, asked, everyone)
    secret = pseudonyms_of(store).sealing.key_for(grant.tenant, "cells")

    def find(sql: str) -> list[dict[str, Any]]:
        return _found(store, asked, everyone, sql, {"cells_key": int.from_bytes(secret[:8])})

    rule = celled.Rule(tenant.smallest_cell, secret if tenant.perturbation else None)
    rows = celled.hidden(answered.rows, crowd, celled.behind(crowd, find), rule)
    more = {"rows": rows, "withheld": len(answered.rows) - len(rows), "perturbed": tenant.perturbation}
    return answered.model_copy(update=more)


def _crowd(store: Store, question: Question[Any], grant: Grant) -> Crowd:
    """Who stands behind a question that may be asked about groups. Raises Forbidden or Invalid where it may not."""
    perturbed = tenants_of(store).settings(grant.tenant).perturbation
    return celled.check(question, store.zone_of(grant.tenant), perturbed=perturbed)


def _check_group(store: Store, asked: Question[Any], grant: Grant, smallest: int) -> None:
    """Raises Forbidden where the part or the segment that a question is about is of few, or of all but few."""
    if asked.segment is None and grant.part is None:
        return
    when = When(grant.tenant, asked.as_of or aware(datetime.now(UTC)), store.zone_of(grant.tenant))
    with store.rollups.reading(grant.tenant) as hot:
        inside = segments.people(store, scope_of(store, asked, grant, when, hot))
        whole = scope_of(store, asked, dataclasses.replace(grant, part=None), when, hot)
        everyone = segments.people(store, dataclasses.replace(whole, members=None))
    if is_small(inside, everyone, smallest):
        raise Forbidden("withheld: too few people are in this segment or part, or too few are not in it")


def _found(store: Store, question: Question[Any], grant: Grant, sql: str, more: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask another SQL of a question's scope."""
    when = When(grant.tenant, question.as_of or aware(datetime.now(UTC)), store.zone_of(grant.tenant))
    keeping = keeping_of(store, question, grant.tenant)
    with store.rollups.reading(grant.tenant) as hot:
        scope = scope_of(store, question, grant, when, hot)
        return store.answers.query(*bind(question, scope, when, sql=sql, more=more), keeping).rows


def as_asked(row: A, question: Question[A], asked: Question[A]) -> A:
    """A row that repeats the user as the question named them."""
    named = getattr(question, "user", None)
    if named and named != getattr(asked, "user", None) and hasattr(row, "user_id"):
        return row.model_copy(update={"user_id": named})
    return row
