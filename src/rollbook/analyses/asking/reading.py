"""Reading: the scope of a question, cut to what may be seen, and its SQL with all that is bound to it."""

import dataclasses
from collections.abc import Set
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rollbook.analyses import segments
from rollbook.analyses.question import A, Question, When, aware
from rollbook.errors import Invalid
from rollbook.governance.consent import left_out
from rollbook.governance.grants import Grant
from rollbook.governance.people import same_person
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.tenants import tenants_of
from rollbook.store import Scope, Store
from rollbook.store.asking.answers import Keeping

# a period that ended so long ago is closed; whoever asks as of this moment asks as of another the next time
CLOSED_AFTER = timedelta(seconds=10)


def scope_of(store: Store, asked: Question[Any], grant: Grant, when: When, hot: Set[date] | None) -> Scope:
    """All that a question reads, and nothing that the grant, consent or its segment leave out."""
    sealed, same = store.rollups.sealed(grant.tenant), when.zone == store.zone_of(grant.tenant)
    scope = _of_person(store, asked, grant.narrow(asked.scope(when)))
    scope = dataclasses.replace(scope, hot=hot if same else None, sealed=sealed if same else sealed.elsewhere())
    barred, since = left_out(store, grant.tenant, asked.purpose), texts_since(store, grant.tenant)
    scope = dataclasses.replace(scope, left_out=barred, texts_since=since)
    if asked.segment is not None:
        condition = segments.kept(store, grant.tenant, asked.segment).condition
        scope = dataclasses.replace(scope, members=segments.members(condition, scope, when))
    return _part(scope, grant.part)


def _part(scope: Scope, part: tuple[str, str] | None) -> Scope:
    """One part of a scope. Who is in a segment is known before."""
    match part:
        case None:
            return scope
        case ("course", course):
            asked = scope.courses is None or course in scope.courses
            return dataclasses.replace(scope, courses=(course,) if asked else ())
        case ("channel" | "source" | "type" as column, value):
            return dataclasses.replace(scope, only=(column, value), hot=None)
    raise Invalid(f"nothing is broken down by {part[0]}")


def texts_since(store: Store, tenant: str) -> datetime:
    """What was said before is no longer kept, whether it has been deleted yet or not."""
    return datetime.now(UTC) - timedelta(days=tenants_of(store).settings(tenant).text_days)


def keeping_of(store: Store, question: Question[Any], tenant: str) -> Keeping | None:
    """How long what is found may be kept; None: not at all, since the period is not closed yet.

    To be called before anything else is read.
    """
    if question.as_of is None or question.as_of > datetime.now(UTC) - CLOSED_AFTER:
        return None
    if question.purpose == "text":
        # nothing that people wrote stays anywhere else
        return None
    settings = store.settings
    seconds = settings.aggregation_cache_seconds if question.kind == "aggregation" else settings.query_cache_seconds
    if question.purpose == "prediction":
        seconds = settings.prediction_cache_seconds
    return store.answers.keeping(tenant, seconds)


def raw_since(store: Store, asked: Question[Any], scope: Scope, when: When) -> datetime | None:
    """From when on all events are there that an answer reads, those that say who its segment's people are too."""
    same = when.zone == store.zone_of(scope.tenant)
    whole = dataclasses.replace(scope, sealed=store.rollups.sealed(scope.tenant))
    found = [whole.raw_since(asked.sql, whole=same), scope.members and scope.members.raw_since]
    return max((one for one in found if one), default=None)


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


def bind(
    question: Question[Any], scope: Scope, when: When, *, sql: str | None = None, more: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The whole SQL of a question (or `sql` in its place) and what is bound to it, `more` besides."""
    whole = scope.sql(question.sql if sql is None else sql)
    values = question.bound(when) | scope.parameters() | (more or {})
    return whole, {name: value for name, value in values.items() if "{" + name + ":" in whole}
