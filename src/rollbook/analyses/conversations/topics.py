"""Topics: what learners ask a tutor about, in their own words, without showing anybody's."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.conversations.themes import themes
from rollbook.analyses.crowd import EVERYONE, Crowd
from rollbook.analyses.question import Answer, Days, Question, When
from rollbook.governance.consent import Purpose
from rollbook.store import Scope
from rollbook.store.asking.conversations import MESSAGES, ROLE, SPEAKER

MOST_CONCEPTS = 3
MESSAGE = f"""(select id, person, course, concept, lower(type) as kind,
                     {ROLE} as role, {SPEAKER} as speaker
              from scope where {MESSAGES} and user != '')"""


class Topic(Answer):
    """What some messages have in common. Each message belongs to one topic at most."""

    topic: int = Field(description="From 1, the one with most messages first.")
    terms: list[str] = Field(description="At most ten words, each used by at least `least_people` people.")
    messages: int
    people: int = Field(description="Distinct people who wrote them.")
    share: float = Field(description="Of all messages whose text may be read.")
    concepts: list[str] = Field(description="At most three concepts of these messages, each asked by enough people.")


class Topics(Question[Topic]):
    """What do learners ask their tutor, bot or coach about?

    Their messages of the last days, as long as the texts are kept and their writers allow `text`, are grouped by the
    words that they share (TF-IDF and non-negative matrix factorisation; the same messages give the same topics). A word
    counts only if at least `least_people` people used it, and a topic is shown only if as many wrote its messages; no
    sentence and no rare word is ever shown. Of more than `most_messages` a fixed sample is taken.
    """

    days: Days = Field(30, description="The last N x 24 hours; texts are kept for the tenant's `text_days`.")
    course: Annotated[str, Field(max_length=1024, description="Only this course; empty: all.")] = ""
    topics: Annotated[int, Field(ge=1, le=50, description="Most topics.")] = 10
    least_people: Annotated[int, Field(ge=5, le=10_000, description="Fewest people behind a topic or a word.")] = 5
    most_messages: Annotated[int, Field(ge=100, le=10_000, description="Most messages that are read.")] = 5_000

    sql: ClassVar[str] = f"""
        select asked.person as person, asked.concept as concept, said.text as text
        from {MESSAGE} as asked
        inner join (select id, text from texts_scope) as said on said.id = asked.id
        where asked.speaker = 1 and ({{course:String}} = '' or asked.course = {{course:String}})
        order by sipHash64(asked.id), asked.id limit {{most_messages:UInt32}}
        """
    purpose: ClassVar[Purpose] = "text"
    crowd: ClassVar[Crowd] = Crowd(
        f"select asked.person as person from {MESSAGE} as asked inner join (select id from texts_scope) as said"
        " on said.id = asked.id where asked.speaker = 1"
        " and ({course:String} = '' or asked.course = {course:String})",
        counts={"people": EVERYONE},
    )

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Topic]:
        """The topics that enough people wrote about."""
        people = [row["person"] for row in found]
        texts = [" ".join(_texts(json.loads(row["text"]))) for row in found]
        grouped = [
            (theme, [found[place] for place in theme.messages])
            for theme in themes(texts, people, self.topics, self.least_people)
        ]
        shown = [(theme, rows) for theme, rows in grouped if len({row["person"] for row in rows}) >= self.least_people]
        return [
            Topic(
                topic=number, terms=list(theme.terms), messages=len(rows), people=len({row["person"] for row in rows}),
                share=len(rows) / len(found), concepts=self._concepts(rows),
            )
            for number, (theme, rows) in enumerate(shown, 1)
        ]  # fmt: skip

    def _concepts(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        asked = Counter(concept for concept, _ in {(row["concept"], row["person"]) for row in rows} if concept)
        enough = [concept for concept, people in asked.items() if people >= self.least_people]
        return sorted(enough, key=lambda concept: (-asked[concept], concept))[:MOST_CONCEPTS]


def _texts(said: Any) -> Iterator[str]:
    """What was said under the names that `taken_apart` gave it; of a history only what stands there as a text."""
    if isinstance(said, dict):
        yield from (text for text in said.values() if isinstance(text, str))
