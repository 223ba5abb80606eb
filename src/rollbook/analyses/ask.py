"""Asking: a question, a store and a tenant give an answer."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from rollbook.analyses.question import Answer, Question, When, aware
from rollbook.store import Scope, Store

A = TypeVar("A", bound=Answer)


class Answered(BaseModel, Generic[A]):
    """An answer as it is sent: the question's name, the parameters and the moment it holds for, and its rows."""

    question: str
    parameters: dict[str, Any]
    as_of: datetime
    timezone: str
    rows: list[A]


def ask(store: Store, question: Question[A], tenant: str = "default") -> Answered[A]:
    """Ask. Raises QueryTimeout or Unavailable. The answer holds every event acknowledged before the call."""
    zone = store.zone_of(tenant)
    when = When(tenant, question.as_of or aware(datetime.now(UTC)), question.timezone or zone)
    with store.rollups.reading(tenant) as hot:
        scope = dataclasses.replace(question.scope(when), hot=hot if when.zone == zone else None)
        found = store.engine.query(*bind(question, scope, when))
    return Answered[A](
        question=question.name(),
        parameters=question.model_dump(exclude={"as_of", "timezone"}, mode="json"),
        as_of=when.now,
        timezone=when.zone,
        rows=question.rows(found, when),
    )


def bind(question: Question[Any], scope: Scope, when: When) -> tuple[str, dict[str, Any]]:
    """The whole SQL of a question and what is bound to it."""
    sql = scope.sql(question.sql)
    values = question.bound(when) | scope.parameters()
    return sql, {name: value for name, value in values.items() if "{" + name + ":" in sql}
