"""Conversation patterns: what people ask for more and more, where they give up, and when they talk."""

from typing import Any

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle, sure
from rollbook.analyses.conversations.conversation_drop_off import ConversationDropOff
from rollbook.analyses.conversations.conversation_intents import ConversationIntents
from rollbook.analyses.conversations.conversation_patterns import ConversationPatterns
from rollbook.analyses.experiments.comparing import proportions

LEAST_DROPPED = 10


def find(asked: Inquiry) -> list[Finding]:
    """What is to be said of conversations. Raises TooLittle."""
    whole = asked.ask(ConversationPatterns(days=asked.days))
    if not whole or not whole[0].enough:
        raise TooLittle(whole[0].note if whole else "no conversations that you may see")
    return [*_peak(whole[0]), *_intents(asked), *_drop_off(asked)]


def _peak(whole: Any) -> list[Finding]:
    """The busiest hour, if hours differ by more than chance."""
    if whole.hour_p_value is None or whole.peak_hour is None:
        return []
    return [
        Finding(
            title=f"Most conversations begin from {whole.peak_hour:02}:00 on",
            description=f"Of {whole.conversations} conversations more begin in this hour than in any other.",
            impact="low",
            confidence=sure(whole.hour_p_value),
            data={"peak_hour": whole.peak_hour, "conversations": whole.conversations, "p_value": whole.hour_p_value},
            tags=("peak",),
        )
    ]


def _intents(asked: Inquiry) -> list[Finding]:
    """Intents that grow or decline; the p-values are adjusted for how many there are."""
    rows = [row for row in asked.ask(ConversationIntents(days=asked.days)) if row.trend != "steady"]
    return [
        Finding(
            title=f"Intent {row.intent} is {row.trend}",
            description=f"It came up in {row.later} conversations of the second half of the period, and in"
            f" {row.earlier} of the first.",
            impact="medium" if row.trend == "growing" else "low",
            confidence=sure(row.adjusted_p_value or 0.0),
            data={
                "intent": row.intent,
                "earlier": row.earlier,
                "later": row.later,
                "change": row.change,
                "adjusted_p_value": row.adjusted_p_value,
            },
            tags=("intent", row.intent),
        )
        for row in rows
    ]


def _drop_off(asked: Inquiry) -> list[Finding]:
    """The intent at which most give up, if more do than at the others."""
    rows = [row for row in asked.ask(ConversationDropOff(days=asked.days)) if row.dropped is not None]
    if len(rows) < 2 or (rows[0].dropped or 0) < LEAST_DROPPED:
        return []
    first, others = rows[0], rows[1:]
    dropped, of = sum(row.dropped or 0 for row in others), sum(row.conversations for row in others)
    tested = proportions((dropped, of), (first.dropped or 0, first.conversations), 0.05)
    if tested is None or tested.low <= 0:
        return []
    where = first.intent or "no intent at all"
    return [
        Finding(
            title=f"Most give up at {where}: {first.dropped} of {first.conversations}",
            description=f"At all other intents it is {dropped} of {of}.",
            impact="high" if tested.difference > 0.2 else "medium",
            confidence=sure(tested.p_value),
            data={
                "intent": first.intent,
                "dropped": first.dropped,
                "conversations": first.conversations,
                "low": tested.low,
                "high": tested.high,
                "p_value": tested.p_value,
            },
            advice=(
                Advice(
                    title=f"Read how conversations about {where} end",
                    description="Whoever gives up there did not get what they came for.",
                    effort="medium",
                    benefit=f"up to {first.dropped} conversations more that come to an end",
                    steps=(
                        "Ask `conversation_flows` what came before",
                        "Ask `unresolved_questions`",
                        "Change the answer",
                    ),
                ),
            ),
            tags=("drop_off", first.intent),
        )
    ]
