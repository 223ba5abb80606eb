"""Asking: a question, a store and a tenant give an answer."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from rollbook.analyses.question import Answer, Question, When, aware
from rollbook.governance.consent import left_out
from rollbook.governance.grants import Grant, granted
from rollbook.governance.pseudonyms import known_as
from rollbook.store import Scope, Store

A = TypeVar("A", bound=Answer)


class Answered(BaseModel, Generic[A]):
    """An answer as it is sent: the question's name, the parameters and the moment it holds for, and its rows."""

    question: str
    parameters: dict[str, Any]
    as_of: datetime
    timezone: str
    rows: list[A]


def ask(store: Store, question: Question[A], grant: Grant | str = "default") -> Answered[A]:
    """Ask. The answer holds every event acknowledged before the call that the grant and people's consent allow.

    Raises Forbidden if it names people that the grant does not hold, QueryTimeout or Unavailable.
    """
    seen = granted(grant)
    zone = store.zone_of(seen.tenant)
    when = When(seen.tenant, question.as_of or aware(datetime.now(UTC)), question.timezone or zone)
    asked = stored(store, question, seen.tenant)
    with store.rollups.reading(seen.tenant) as hot:
        scope = dataclasses.replace(seen.narrow(asked.scope(when)), hot=hot if when.zone == zone else None)
        scope = dataclasses.replace(scope, left_out=left_out(store, seen.tenant, asked.purpose))
        found = store.engine.query(*bind(asked, scope, when))
    return Answered[A](
        question=question.name(),
        parameters=question.model_dump(exclude={"as_of", "timezone"}, mode="json"),
        as_of=when.now,
        timezone=when.zone,
        rows=[as_asked(row, question, asked) for row in asked.rows(found, when)],
    )


def allowed(store: Store, grant: Grant, scope: Scope) -> Scope:
    """A scope of events, users named as callers know them, cut to what the grant and people's consent allow."""
    users = scope.users and tuple(known_as(store, grant.tenant, user) for user in scope.users)
    barred = left_out(store, grant.tenant, "analytics")
    return dataclasses.replace(grant.narrow(dataclasses.replace(scope, users=users)), left_out=barred)


def stored(store: Store, question: Question[A], tenant: str) -> Question[A]:
    """The question with the users that it names as they are stored."""
    user, users = getattr(question, "user", None), getattr(question, "users", None)
    known: dict[str, Any] = {}
    if user:
        known["user"] = known_as(store, tenant, user)
    if users:
        known["users"] = type(users)(known_as(store, tenant, one) for one in users)
    return question.model_copy(update=known) if known else question


def as_asked(row: A, question: Question[A], asked: Question[A]) -> A:
    """A row that repeats the user as the question named them."""
    named = getattr(question, "user", None)
    if named and named != getattr(asked, "user", None) and hasattr(row, "user_id"):
        return row.model_copy(update={"user_id": named})
    return row


def bind(question: Question[Any], scope: Scope, when: When) -> tuple[str, dict[str, Any]]:
    """The whole SQL of a question and what is bound to it."""
    sql = scope.sql(question.sql)
    values = question.bound(when) | scope.parameters()
    return sql, {name: value for name, value in values.items() if "{" + name + ":" in sql}
