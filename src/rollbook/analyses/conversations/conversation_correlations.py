"""Conversation correlations: what goes with completion, satisfaction and duration."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.conversations.conversation import PatternQuestion
from rollbook.analyses.conversations.evidence import TINY, Difference, Sample, discoveries, of_means, of_shares
from rollbook.analyses.conversations.trend import SIGNIFICANT
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, When

Pair = Literal["hour_completion", "weekday_completion", "channel_satisfaction", "intent_duration"]

# what belongs together of one conversation: pair, category, value, and whether the pair's whole is meant
LINKS = """arrayJoin(arrayFilter(link -> isNotNull(link.3), arrayConcat(
                   arrayMap(whole -> ('hour_completion', if(whole, '', part), finished, whole), [true, false]),
                   arrayMap(whole -> ('weekday_completion', if(whole, '', weekday), finished, whole), [true, false]),
                   arrayMap(whole -> ('channel_satisfaction', if(whole, '', channel), liked, whole), [true, false]),
                   [('intent_duration', '', lasted, true)],
                   arrayMap(one -> ('intent_duration', one, lasted, false), arrayDistinct(intents))))) as link"""
VALUES = """persons, channel, intents, if(status = 'active', null, toFloat64(status = 'completed')) as finished,
                   liked, toFloat64(seconds) as lasted,
                   ['night', 'morning', 'afternoon', 'evening'][intDiv(toHour(began, {zone:String}), 6) + 1] as part,
                   toString(toDayOfWeek(began, 0, {zone:String})) as weekday"""


class Correlation(Answer):
    """One category, and how its conversations differ from all others."""

    pair: Pair = Field(description="What is compared, and by what.")
    category: str = Field(
        description="`night` (0 to 5), `morning` (6 to 11), `afternoon` (12 to 17), `evening` (18 to 23); weekdays from"
        " 1 (Monday); a channel; an intent."
    )
    conversations: int
    others: int = Field(description="Conversations outside the category.")
    value: float = Field(description="Completion rate, mean satisfaction (0 to 1), or mean duration in seconds.")
    others_value: float
    difference: float
    low: float = Field(description="Where the difference's 95 % interval begins.")
    high: float = Field(description="Where it ends.")
    p_value: float
    adjusted_p_value: float = Field(description="After Benjamini and Hochberg, over all that was tested.")
    significant: bool = Field(description="Whether the adjusted p-value is below 0.05.")


class ConversationCorrelations(PatternQuestion[Correlation]):
    """What goes with what: time with completion, channel with satisfaction, intent with duration?

    Each category is compared with all conversations outside it: completion rates by the pooled two-proportion z-test
    with Newcombe's interval, means by Welch's test. Only categories with at least `least` conversations inside and
    outside are tested (of the 1,000 largest), and what is tested is corrected for; where all values are the same there
    is nothing to test. By pair, the largest category first. That two things go together does not say that one is the
    cause.
    """

    least: Annotated[int, Field(ge=2, le=100_000, description="Fewest conversations inside and outside.")] = 10

    sql: ClassVar[str] = f"""
        select link.1 as pair, link.2 as category, link.4 as whole, count() as size, sum(link.3) as total,
               sum(link.3 * link.3) as squares, any(every) as everyone
        from (select {LINKS}, every
              from (select {VALUES}, count() over () as every from conversations_scope))
        group by pair, category, whole
        order by whole desc, size desc, pair, category limit 1000
        """
    crowd: ClassVar[Crowd] = Crowd(
        "select link.1 as pair, link.2 as category, arrayJoin(persons) as person"
        f" from (select {LINKS}, persons from (select {VALUES} from conversations_scope)) where not link.4",
        keys=("pair", "category"),
    )
    chart: ClassVar[Chart] = Bars(x="category", y="difference", color="pair")

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[Correlation]:
        """Each category against the others of its pair."""
        if not found or found[0]["everyone"] < self.min_conversations:
            return []
        whole = {row["pair"]: row for row in found if row["whole"]}
        tested = [
            (row, others, difference)
            for row in found
            if not row["whole"]
            for others in (_outside(row, whole[row["pair"]]),)
            if min(row["size"], others["size"]) >= self.least
            if (difference := _difference(row, others)) is not None
        ]
        adjusted = discoveries([difference.p_value for _, _, difference in tested])
        rows = [_correlation(*one, p) for one, p in zip(tested, adjusted, strict=True)]
        return sorted(rows, key=lambda row: (row.pair, -row.conversations, row.category))


def _outside(row: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    return {name: whole[name] - row[name] for name in ("size", "total", "squares")}


def _difference(row: dict[str, Any], others: dict[str, Any]) -> Difference | None:
    if not row["pair"].endswith("completion"):
        return of_means(_sample(row), _sample(others))
    all_same = row["total"] + others["total"] in (0, row["size"] + others["size"])
    return None if all_same else of_shares(row["total"], row["size"], others["total"], others["size"])


def _sample(row: dict[str, Any]) -> Sample:
    mean = row["total"] / row["size"]
    spread = row["squares"] - row["size"] * mean * mean
    # what is left of a difference of two equal sums is rounding
    return Sample(row["size"], mean, spread / (row["size"] - 1) if spread > TINY * row["squares"] * 1000 else 0.0)


def _correlation(row: dict[str, Any], others: dict[str, Any], difference: Difference, adjusted: float) -> Correlation:
    return Correlation(
        pair=row["pair"], category=row["category"], conversations=row["size"], others=others["size"],
        value=row["total"] / row["size"], others_value=others["total"] / others["size"], difference=difference.value,
        low=difference.low, high=difference.high, p_value=difference.p_value, adjusted_p_value=adjusted,
        significant=adjusted < SIGNIFICANT,
    )  # fmt: skip
