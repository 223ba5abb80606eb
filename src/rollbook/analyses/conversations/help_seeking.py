"""Help-seeking: who asks for help with what, and who does not although they fail."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.question import Answer, Days, Question, UserId, When
from rollbook.store import Scope
from rollbook.store.asking.conversations import MESSAGES, ROLE, SPEAKER

# failing as often as this without asking once is avoiding help
AVOIDS_FROM = 3

LEARNER = "if({user:String} = '', user, {user:String})"
PLACE = "cityHash64(if({user:String} = '', person, 0), course, concept)"
OF = "person != sipHash64('') and ({course:String} = '' or course = {course:String})"


class HelpSought(Answer):
    """One learner, and one concept of one course."""

    user_id: str
    course: str
    concept: str = Field(description='"" for messages and attempts without one.')
    messages: int = Field(description="The learner's messages to a bot, tutor or coach.")
    days_asked: int = Field(description="Calendar days with a message.")
    first_asked: datetime | None
    last_asked: datetime | None
    attempts: int = Field(description="Events with a score.")
    failed_attempts: int = Field(description="Those below 50.")
    asked_after_failing: int = Field(description="Failed attempts followed by a message in time.")
    asking_rate: float | None = Field(description="Those over failed attempts; null: nothing failed.")
    avoids_help: bool = Field(description="Failed three times or more, and asked after none of them.")


class HelpSeeking(Question[HelpSought]):
    """Which learners ask for help with which concepts, and who fails without asking?

    By learner, course and concept: messages to a bot, tutor or coach beside attempts at the same concept. Asked after
    failing is an attempt below 50 that a message about the same concept follows within `within_minutes`. Most messages
    first, then most failed attempts.
    """

    days: Days = Field(30, description="The last N x 24 hours.")
    user: UserId | None = Field(None, description="Only this learner.")
    course: Annotated[str, Field(max_length=1024, description="Only this course; empty: all.")] = ""
    within_minutes: Annotated[int, Field(ge=1, le=10_080, description="A message this soon after failing.")] = 30
    most: Annotated[int, Field(ge=1, le=10_000, description="Most rows.")] = 1000

    # Messages come first: where enough have asked, the attempts of all others need not be gathered. Scores stand
    # together by type: nearly everything else is passed over.
    sql: ClassVar[str] = f"""
        with arrayReverseSort(told) as seq, arrayFill(one -> one % 2 = 1, seq) as next,
             said as materialized (
                select {LEARNER} as learner, {PLACE} as spot, course as place, concept as topic, timestamp,
                       false as failed, true as asks
                from (select *, lower(type) as kind, {ROLE} as role, {SPEAKER} as speaker
                      from scope where {MESSAGES} and {OF})
                where speaker = 1)
        select * except told,
               arrayCount((one, then) -> one % 2 = 0 and then % 2 = 1
                              and intDiv(then, 2) - intDiv(one, 2) <= {{within_minutes:UInt32}} * 60000, seq, next)
                   as asked_after_failing
        from (
            select any(learner) as user_id, any(place) as course, any(topic) as concept, countIf(asks) as messages,
                   uniqExactIf(toDate(timestamp, {{zone:String}}), asks) as days_asked,
                   minOrNullIf(timestamp, asks) as first_asked, maxOrNullIf(timestamp, asks) as last_asked,
                   countIf(not asks) as attempts, countIf(failed) as failed_attempts,
                   groupArrayIf(toUnixTimestamp64Milli(timestamp) * 2 + asks, asks or failed) as told
            from (
                select {LEARNER} as learner, {PLACE} as spot, course as place, concept as topic, timestamp,
                       score < 50 as failed, false as asks
                from scope where isNotNull(score) and not ({MESSAGES}) and {OF}
                      and ((select uniqExact(spot) from said) < {{most:UInt32}} or spot in (select spot from said))
                union all
                select * from said)
            group by spot
            order by messages desc, failed_attempts desc, attempts desc, user_id, course, concept
            limit {{most:UInt32}})
        order by messages desc, failed_attempts desc, attempts desc, user_id, course, concept
        settings preferred_optimize_projection_name = 'by_type', move_all_conditions_to_prewhere = 0
        """

    def scope(self, when: When) -> Scope:
        """The period; of one learner, if one is named."""
        scope = when.last(self.days)
        return scope if self.user is None else dataclasses.replace(scope, users=(self.user,))

    def bound(self, when: When) -> dict[str, Any]:
        """No learner is an empty one."""
        return super().bound(when) | {"user": self.user or ""}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[HelpSought]:
        """Row for row."""
        return [_row(row) for row in found]


def _row(row: dict[str, Any]) -> HelpSought:
    failed, asked = row["failed_attempts"], row["asked_after_failing"]
    return HelpSought(
        **row, asking_rate=asked / failed if failed else None, avoids_help=failed >= AVOIDS_FROM and not asked
    )  # fmt: skip
