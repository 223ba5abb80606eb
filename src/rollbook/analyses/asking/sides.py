"""Sides of an answer: the period before, and each part alone. Every one is an answer of its own, set beside it."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from rollbook.analyses.asking.answered import Answered, Before, Part
from rollbook.analyses.asking.reading import bind, scope_of, stored
from rollbook.analyses.question import A, Question, When, aware, parameters
from rollbook.errors import Forbidden, Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store


class Ask(Protocol):
    """Asks one question."""

    def __call__(self, store: Store, question: Question[A], grant: Grant, /) -> Answered[A]:
        """Its answer."""


FIRST_YEAR = 1981
MOST_PARTS = 20

# of those columns that the rollup has, and of the others
ROLLED = """
    select if({by:String} = 'course', course, type) as value from activity_scope where value != '' group by value
    having sum(events) > 0 order by sum(events) desc, value limit {most:UInt32}
    """
RAW = """
    select if({by:String} = 'channel', channel, source) as value from scope where value != '' group by value
    order by count() desc, value limit {most:UInt32}
    """
SQL = {"course": ROLLED, "type": ROLLED, "channel": RAW, "source": RAW}


def check(question: Question[Any]) -> None:
    """Raises Invalid where a side is asked for that this question does not have."""
    name = question.name()
    if (question.segment or question.breakdown) and "user" in type(question).model_fields:
        raise Invalid(f"{name} is about one person; segment and breakdown are for questions about many")
    by_segment = question.segment or (question.breakdown or "").startswith("segment:")
    if by_segment and getattr(question, "users", None):
        raise Invalid("name users or a segment, not both")
    if question.segment and (question.breakdown or "").startswith("segment:"):
        raise Invalid("name segments once: either in segment or in breakdown")


def compared(store: Store, question: Question[A], grant: Grant, ask: Ask) -> Answered[A]:
    """The answer with that for the period before beside it."""
    now = question.as_of or aware(datetime.now(UTC))
    answered = ask(store, question.model_copy(update={"compare": None, "as_of": now}), grant)
    when = When(grant.tenant, answered.as_of, answered.timezone)
    moment = question.before(when)
    if moment is None:
        raise Invalid(f"{question.name()} has no period of its own here; ask again with as_of to compare")
    if moment.year < FIRST_YEAR:
        raise Invalid(f"the period before ends in {moment.year}; periods end in {FIRST_YEAR} or later")
    earlier = ask(store, question.model_copy(update={"compare": None, "as_of": moment}), grant)
    told = {name: getattr(earlier, name) for name in Before.model_fields}
    more = {"before": Before[A](**told), "parameters": parameters(question)}
    return _beside(answered, more)


def broken_down(store: Store, question: Question[A], grant: Grant, ask: Ask) -> Answered[A]:
    """The answer with that for each part beside it; for who sees groups only, without parts of few people."""
    now = question.as_of or aware(datetime.now(UTC))
    whole = question.model_copy(update={"breakdown": None, "as_of": now})
    answered = ask(store, whole, grant)
    parts, withheld = [], 0
    for value, asked, of in _parts(store, question, answered, grant):
        try:
            found = ask(store, asked, of)
        except Forbidden:
            if not grant.cells:
                raise
            withheld += 1
            continue
        parts.append(Part[A](value=value, rows=found.rows, withheld=found.withheld, before=found.before))
    more = {"parts": parts, "withheld_parts": withheld, "parameters": parameters(question)}
    return _beside(answered, more)


def _beside(answered: Answered[A], more: dict[str, Any]) -> Answered[A]:
    """The answer with others beside it, which are as old as they are."""
    both = answered.model_copy(update=more)
    both._found = None
    return both


def _parts(
    store: Store, question: Question[A], answered: Answered[A], grant: Grant
) -> Iterator[tuple[str, Question[A], Grant]]:
    """Each part: its name, and the question and the grant that ask about it alone."""
    plain = question.model_copy(update={"breakdown": None, "as_of": answered.as_of})
    kind, _, names = str(question.breakdown).partition(":")
    if kind == "segment":
        for name in dict.fromkeys(names.split(",")):
            yield name, plain.model_copy(update={"segment": name}), grant
        return
    for value in _values(store, plain, answered, grant, by=kind):
        yield value, plain, dataclasses.replace(grant, part=(kind, value))


def _values(store: Store, plain: Question[Any], answered: Answered[Any], grant: Grant, *, by: str) -> list[str]:
    """The values with most events of those that the question reads."""
    when = When(grant.tenant, answered.as_of, answered.timezone)
    asked = stored(store, plain, grant.tenant)
    with store.rollups.reading(grant.tenant) as hot:
        scope = scope_of(store, asked, grant, when, hot)
        found = store.engine.query(*bind(asked, scope, when, sql=SQL[by], more={"most": MOST_PARTS, "by": by}))
    return [row["value"] for row in found]
