"""Unresolved questions: what people asked and got no help with."""

from typing import Annotated, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import ConversationQuestion
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer

SUBJECT = "arrayJoin(if(empty(subjects), [''], arrayDistinct(subjects))) as subject"


class UnresolvedSubject(Answer):
    """What was asked about one subject. Reasons overlap."""

    subject: str = Field(
        description='The concept, failing that the intent, of the messages; "" where there is neither.'
    )
    questions: int = Field(description="Conversations about it that are over.")
    people: int = Field(description="Distinct people who took part in them.")
    unresolved: int | None = Field(description="Those of them with one of the reasons below.")
    people_unresolved: int | None = Field(description="Distinct people who took part in these.")
    unresolved_rate: float | None
    asked_again: int | None = Field(description="The user came back to it: after another subject, or within the days.")
    escalated: int | None = Field(description="It was the last subject of a conversation that was escalated.")
    abandoned: int | None = Field(description="It was the last subject of a conversation that was abandoned.")
    unanswered: int | None = Field(
        description="It was the last subject, the user had the last word, and it is not completed."
    )
    rated_low: int | None = Field(description="The conversation's satisfaction is below 0.5.")


class UnresolvedQuestions(ConversationQuestion[UnresolvedSubject]):
    """Which subjects do people ask about without getting help?

    A question is a conversation about one subject. It counts as unresolved if the user asked about the subject again
    (in the same conversation after another one, or in one that began within `again_days`), if the conversation was
    escalated, abandoned or left without an answer at this subject, or if it was rated below the middle. These are
    signs, not proof: who asks again may simply want to know more. Most unresolved first.
    """

    again_days: Annotated[int, Field(ge=1, le=365, description="Asked again within so many days after.")] = 7
    most: Annotated[int, Field(ge=1, le=1000, description="Most subjects.")] = 50

    # one window over all, since ClickHouse takes long for each of many small ones
    sql: ClassVar[str] = f"""
        select subject, count() as questions, uniqExactArray(persons) as people,
               countIf(again or handed or gone or left or low) as unresolved,
               uniqExactArrayIf(persons, again or handed or gone or left or low) as people_unresolved,
               unresolved / questions as unresolved_rate, countIf(again) as asked_again, countIf(handed) as escalated,
               countIf(gone) as abandoned, countIf(left) as unanswered, countIf(low) as rated_low
        from (
            select subject, persons, status, empty(subjects) or subjects[-1] = subject as is_last,
                   sipHash64(users[1], subject) as asked,
                   leadInFrame(began, 1, began) over asking as next, leadInFrame(asked, 1, 0) over asking as next_asked,
                   countEqual(subjects, subject) > 1 or (subject != '' and notEmpty(users) and next_asked = asked
                       and next <= began + toIntervalDay({{again_days:UInt32}})) as again,
                   is_last and escalated as handed, is_last and status = 'abandoned' as gone,
                   is_last and unanswered and status != 'completed' as left, ifNull(liked < 0.5, false) as low
            from (select *, {SUBJECT} from conversations_scope)
            window asking as (order by asked, began, conversation rows between current row and 1 following))
        where status != 'active'
        group by subject order by unresolved desc, questions desc, subject limit {{most:UInt32}}
        """
    crowd: ClassVar[Crowd] = Crowd(
        f"select {SUBJECT}, arrayJoin(persons) as person from conversations_scope where status != 'active'",
        keys=("subject",),
        counts={"people_unresolved": "people"},
        rates=dict.fromkeys(("unresolved", "unresolved_rate"), ("people_unresolved", "people")),
        optional=("people_unresolved",),
        extremes=("asked_again", "escalated", "abandoned", "unanswered", "rated_low"),
    )
    chart: ClassVar[Chart] = Bars(x="subject", y="unresolved")
