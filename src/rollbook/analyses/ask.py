"""Asking: a question, a store and a tenant give an answer."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, PrivateAttr

from rollbook.analyses import celled
from rollbook.analyses.question import Answer, Question, When, aware
from rollbook.errors import Forbidden
from rollbook.governance.consent import left_out
from rollbook.governance.grants import Grant, granted
from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import known_as, pseudonyms_of
from rollbook.governance.tenants import tenants_of
from rollbook.store import Scope, Store
from rollbook.store.asking.answers import Found, Keeping

A = TypeVar("A", bound=Answer)

# a period that ended so long ago is closed; whoever asks as of this moment asks as of another the next time
CLOSED_AFTER = timedelta(seconds=10)


class Answered(BaseModel, Generic[A]):
    """An answer as it is sent: the question's name, the parameters and the moment it holds for, and its rows."""

    question: str
    parameters: dict[str, Any]
    as_of: datetime
    timezone: str
    rows: list[A]
    withheld: int = Field(0, description="Rows left out because too few people stand behind them.")
    perturbed: bool = Field(False, description="Counts carry noise that hides single people; they are not exact.")
    raw_since: datetime | None = Field(
        None, description="Set where events that the question reads have expired: from then on all are there."
    )

    _found: Found | None = PrivateAttr(None)

    @property
    def found(self) -> Found | None:
        """What the store found, and how long ago if it was kept; None: it may not be kept."""
        return self._found

    def only(self) -> A:
        """The one row. Raises Forbidden where it is withheld."""
        return self.whole(1)[0]

    def whole(self, rows: int) -> list[A]:
        """The rows, which are so many. Raises Forbidden where some are withheld."""
        if len(self.rows) < rows:
            raise Forbidden("withheld: too few people stand behind this answer, or too few are not among them")
        return self.rows


def ask(store: Store, question: Question[A], grant: Grant | str = "default") -> Answered[A]:
    """Ask. The answer holds every event acknowledged before the call that the grant and people's consent allow.

    Raises Forbidden if it names people that the grant does not hold, QueryTimeout or Unavailable.
    """
    seen = granted(grant)
    if seen.cells:
        return _ask_of_groups(store, question, seen)
    zone = store.zone_of(seen.tenant)
    when = When(seen.tenant, question.as_of or aware(datetime.now(UTC)), question.timezone or zone)
    settled = question.settled(store.settings)
    keeping = _keeping(store, settled, seen.tenant)
    asked = stored(store, settled, seen.tenant).informed(store, seen.tenant)
    with store.rollups.reading(seen.tenant) as hot:
        sealed, same = store.rollups.sealed(seen.tenant), when.zone == zone
        scope = _of_person(store, asked, seen.narrow(asked.scope(when)))
        scope = dataclasses.replace(scope, hot=hot if same else None)
        scope = dataclasses.replace(scope, sealed=sealed if same else sealed.elsewhere())
        scope = dataclasses.replace(scope, left_out=left_out(store, seen.tenant, asked.purpose))
        found = store.answers.query(*bind(asked, scope, when), keeping)
    answered = Answered[A](
        question=question.name(),
        parameters=question.model_dump(exclude={"as_of", "timezone"}, mode="json"),
        as_of=when.now,
        timezone=when.zone,
        raw_since=dataclasses.replace(scope, sealed=sealed).raw_since(asked.sql, whole=same),
        rows=[as_asked(row, question, asked) for row in asked.rows(found.rows, when)],
    )
    answered._found = found if keeping else None
    return answered


def _keeping(store: Store, question: Question[Any], tenant: str) -> Keeping | None:
    """How long what is found may be kept; None: not at all, since the period is not closed yet.

    To be called before anything else is read.
    """
    if question.as_of is None or question.as_of > datetime.now(UTC) - CLOSED_AFTER:
        return None
    settings = store.settings
    seconds = settings.aggregation_cache_seconds if question.kind == "aggregation" else settings.query_cache_seconds
    if question.purpose == "prediction":
        seconds = settings.prediction_cache_seconds
    return store.answers.keeping(tenant, seconds)


def _ask_of_groups(store: Store, question: Question[A], grant: Grant) -> Answered[A]:
    """The answer up to the last whole day, without rows that few people stand behind."""
    zone, tenant = store.zone_of(grant.tenant), tenants_of(store).settings(grant.tenant)
    crowd = celled.check(question, zone, perturbed=tenant.perturbation)
    asked = question.model_copy(update={"as_of": celled.whole(question.as_of, zone, perturbed=tenant.perturbation)})
    everyone = dataclasses.replace(grant, cells=False)
    answered = ask(store, asked, everyone)
    secret = pseudonyms_of(store).sealing.key_for(grant.tenant, "cells")

    def find(sql: str) -> list[dict[str, Any]]:
        return _found(store, asked, everyone, sql, {"cells_key": int.from_bytes(secret[:8])})

    rule = celled.Rule(tenant.smallest_cell, secret if tenant.perturbation else None)
    rows = celled.hidden(answered.rows, crowd, celled.behind(crowd, find), rule)
    more = {"rows": rows, "withheld": len(answered.rows) - len(rows), "perturbed": tenant.perturbation}
    return answered.model_copy(update=more)


def _found(store: Store, question: Question[Any], grant: Grant, sql: str, more: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask another SQL of a question's scope."""
    zone = store.zone_of(grant.tenant)
    when = When(grant.tenant, question.as_of or aware(datetime.now(UTC)), zone)
    keeping = _keeping(store, question, grant.tenant)
    with store.rollups.reading(grant.tenant) as hot:
        scope = dataclasses.replace(allowed(store, grant, question.scope(when)), hot=hot)
        scope = dataclasses.replace(scope, sealed=store.rollups.sealed(grant.tenant))
        return store.answers.query(*bind(question, scope, when, sql=sql, more=more), keeping).rows


def allowed(store: Store, grant: Grant, scope: Scope) -> Scope:
    """A scope of events, users named as callers know them, cut to what the grant and people's consent allow."""
    users = scope.users and tuple(known_as(store, grant.tenant, user) for user in scope.users)
    barred = left_out(store, grant.tenant, "analytics")
    return dataclasses.replace(grant.narrow(dataclasses.replace(scope, users=users)), left_out=barred)


def reach(store: Store, question: Question[Any], grant: Grant) -> Scope:
    """The events that an answer can hold, of which people and courses. Raises Forbidden as asking does."""
    when = When(grant.tenant, question.as_of or aware(datetime.now(UTC)), store.zone_of(grant.tenant))
    asked = stored(store, question, grant.tenant)
    return _of_person(store, asked, grant.narrow(asked.scope(when)))


def stored(store: Store, question: Question[A], tenant: str) -> Question[A]:
    """The question with the users that it names as they are stored."""
    user, users = getattr(question, "user", None), getattr(question, "users", None)
    known: dict[str, Any] = {}
    if user:
        known["user"] = known_as(store, tenant, user)
    if users:
        known["users"] = type(users)(known_as(store, tenant, one) for one in users)
    return question.model_copy(update=known) if known else question


def _of_person(store: Store, question: Question[Any], scope: Scope) -> Scope:
    """The scope of a question about one user, with all ids of the person that they are."""
    user = getattr(question, "user", None)
    if not user or scope.users != (user,):
        return scope
    return dataclasses.replace(scope, users=same_person(store, scope.tenant, user))


def as_asked(row: A, question: Question[A], asked: Question[A]) -> A:
    """A row that repeats the user as the question named them."""
    named = getattr(question, "user", None)
    if named and named != getattr(asked, "user", None) and hasattr(row, "user_id"):
        return row.model_copy(update={"user_id": named})
    return row


def bind(
    question: Question[Any], scope: Scope, when: When, *, sql: str | None = None, more: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The whole SQL of a question (or `sql` in its place) and what is bound to it, `more` besides."""
    whole = scope.sql(question.sql if sql is None else sql)
    values = question.bound(when) | scope.parameters() | (more or {})
    return whole, {name: value for name, value in values.items() if "{" + name + ":" in whole}
