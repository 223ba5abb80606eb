"""Patterns of many conversations, worked out by hand."""

from datetime import timedelta
from typing import Any

from rollbook.analyses.ask import ask
from rollbook.analyses.conversations.conversation_channels import ConversationChannels
from rollbook.analyses.conversations.conversation_correlations import ConversationCorrelations
from rollbook.analyses.conversations.conversation_drop_off import ConversationDropOff
from rollbook.analyses.conversations.conversation_flows import ConversationFlows
from rollbook.analyses.conversations.conversation_intents import ConversationIntents
from rollbook.analyses.conversations.conversation_outcomes import ConversationOutcomes
from rollbook.analyses.conversations.conversation_patterns import ConversationPatterns
from rollbook.analyses.conversations.conversation_times import ConversationTimes
from rollbook.analyses.conversations.help_seeking import HelpSeeking
from rollbook.analyses.conversations.unresolved_questions import UnresolvedQuestions
from rollbook.analyses.question import Question
from rollbook.governance.grants import Grant
from rollbook.store import Store
from tests.analyses.conversations.talking import MORNING, brief, near, talk
from tests.stories import happened, tell

NOON = MORNING + timedelta(hours=2)
PATTERNS: tuple[type[Question[Any]], ...] = (
    ConversationTimes, ConversationFlows, ConversationDropOff, ConversationIntents, ConversationChannels,
    ConversationCorrelations,
)  # fmt: skip


def many(number: int, intent: str, end: str = "completed", **more: Any) -> list[Any]:
    """So many conversations of as many people."""
    name = f"{intent}-{end}-{more.get('at', '')}-{more.get('channel', '')}"
    return [
        event
        for n in range(number)
        for event in brief(f"{name}-{n}", intent, end, user=f"u{n}", **more)
    ]  # fmt: skip


def test_below_the_least_number_there_are_no_patterns(store: Store, tenant: str) -> None:
    tell(store, tenant, many(99, "greet"))
    row = ask(store, ConversationPatterns(as_of=NOON), tenant).only()
    assert (row.conversations, row.enough, row.peak_hour) == (99, False, None)
    assert row.note == "99 conversations in 30 days; patterns need 100"
    assert [ask(store, question(as_of=NOON), tenant).rows for question in PATTERNS] == [[]] * 6
    tell(store, tenant, many(1, "refund", "abandoned"))
    row = ask(store, ConversationPatterns(as_of=NOON), tenant).only()
    assert (row.conversations, row.enough, row.note, row.peak_hour) == (100, True, "", 10)
    assert (row.completion_rate, row.people, row.median_duration_seconds) == (0.99, 99, 60.0)
    assert row.hour_p_value is not None
    assert row.hour_p_value < 1e-9
    assert all(ask(store, question(as_of=NOON), tenant).rows for question in PATTERNS[:5])


def test_when_people_talk(store: Store, tenant: str) -> None:
    tell(store, tenant, many(3, "greet") + many(1, "greet", at=MORNING - timedelta(hours=9)))
    rows = ask(store, ConversationTimes(as_of=NOON, min_conversations=4, timezone="Europe/Zurich"), tenant).rows
    busy = {(row.weekday, row.hour): (row.conversations, row.index) for row in rows if row.conversations}
    assert busy == {(1, 11): (3, 126.0), (1, 2): (1, 42.0)}
    assert len(rows) == 168


def test_ways_that_succeed_surely_come_before_one_lucky_conversation(store: Store, tenant: str) -> None:
    steps = [("user", n, {"intent": intent}) for n, intent in enumerate(("greet", "greet", "pay", "greet"))]
    told = talk("lucky", *steps, ("completed", 9)) + many(8, "greet") + many(1, "greet", "abandoned")
    told += many(2, "pay", "abandoned") + talk("mute", ("user", 0), ("completed", 1))
    tell(store, tenant, told)
    common = ask(store, ConversationFlows(as_of=NOON, min_conversations=1), tenant).rows
    assert [(row.path, row.conversations, row.completion_rate) for row in common] == [
        ("greet", 9, 8 / 9),
        ("pay", 2, 0.0),
        ("greet > pay > greet", 1, 1.0),
    ]
    assert common[0].share == 9 / 13
    surely = ask(store, ConversationFlows(as_of=NOON, min_conversations=1, by="success"), tenant).rows
    assert [row.path for row in surely] == ["greet", "greet > pay > greet", "pay"]
    short = ask(store, ConversationFlows(as_of=NOON, min_conversations=1, steps=2), tenant).rows
    assert "greet > pay" in [row.path for row in short]


def test_where_people_give_up(store: Store, tenant: str) -> None:
    told = many(3, "pay", "abandoned") + many(2, "pay")
    told += talk("k", ("user", 0, {"intent": "pay"}), ("bot", 1), ("user", 2, {"intent": "greet"}), ("abandoned", 3))
    tell(store, tenant, told + talk("now", ("user", 7195, {"intent": "pay"})))
    rows = ask(store, ConversationDropOff(as_of=NOON, min_conversations=7), tenant).rows
    assert [(row.intent, row.conversations, row.dropped, row.drop_off_rate, row.median_messages) for row in rows] == [
        ("pay", 6, 3, 0.5, 1.0),
        ("greet", 1, 1, 1.0, 3.0),
    ]


def test_an_intent_grows_if_it_is_more_than_chance(store: Store, tenant: str) -> None:
    early = MORNING - timedelta(days=20)
    told = many(40, "greet", at=early) + many(5, "refund", at=early) + many(5, "help", at=early)
    told += many(20, "greet") + many(24, "refund") + many(6, "help")
    tell(store, tenant, told)
    rows = {row.intent: row for row in ask(store, ConversationIntents(as_of=NOON), tenant).rows}
    assert {name: row.trend for name, row in rows.items()} == {
        "greet": "declining",
        "refund": "growing",
        "help": "steady",
    }
    refund = rows["refund"]
    # 24 of 50 against 5 of 50: z = 0.38 / sqrt(0.29 x 0.71 x 2 / 50) = 4.187
    assert (refund.earlier, refund.later, refund.change) == (5, 24, near(0.38))
    assert refund.p_value == near(2.8227e-5, rel=1e-3)
    # greet: 20 of 50 against 40 of 50 (p = 4.46e-5); of three, ordered: 3/1 x refund, but at most 3/2 x greet
    assert refund.adjusted_p_value == near(min(3 * (refund.p_value or 0), 1.5 * (rows["greet"].p_value or 0)))


def test_how_channels_do(store: Store, tenant: str) -> None:
    told = many(3, "pay", channel="web", liked=1.0) + many(1, "pay", "escalated", channel="web", liked=0.5)
    tell(store, tenant, told + talk("k", ("user", 0), ("bot", 3, {"cost_cents": 5, "error": "x"}), channel="app"))
    web, app = ask(store, ConversationChannels(as_of=NOON, min_conversations=5), tenant).rows
    assert (web.channel, web.share, web.completion_rate, web.satisfaction) == ("web", 0.8, 0.75, 0.875)
    assert (web.escalation_rate, web.completion_low) == (0.25, near(0.300642, abs=1e-6))
    assert (app.cost_cents_per_conversation, app.errors_per_conversation, app.avg_response_time_ms) == (5, 1, 3000)


def test_what_goes_together(store: Store, tenant: str) -> None:
    night = MORNING - timedelta(hours=8)
    told = many(20, "pay", channel="web", liked=0.9) + many(20, "pay", "abandoned", at=night, channel="app", liked=0.1)
    told += many(20, "greet", channel="web", liked=0.8, seconds=600) + many(20, "greet", at=night, channel="app")
    tell(store, tenant, told)
    rows = ask(store, ConversationCorrelations(as_of=NOON, min_conversations=80), tenant).rows
    found = {(row.pair, row.category): row for row in rows}
    dark = found["hour_completion", "night"]
    # 20 of 40 against 40 of 40
    assert (dark.value, dark.others_value, dark.significant) == (0.5, 1.0, True)
    assert (dark.low, dark.high) == (near(-0.648005, abs=1e-6), near(-0.328003, abs=1e-5))
    # all are on a Monday: there are no others
    assert not [row for row in rows if row.pair == "weekday_completion"]
    web = found["channel_satisfaction", "web"]
    assert (web.conversations, web.others, web.difference) == (40, 20, near(0.75))
    greet = found["intent_duration", "greet"]
    assert (greet.value, greet.others_value) == (330.0, 60.0)
    assert greet.low < 270 < greet.high


def test_how_conversations_end(store: Store, tenant: str) -> None:
    tell(store, tenant, many(2, "pay") + many(1, "pay", "escalated") + talk("now", ("user", 7195)))
    rows = ask(store, ConversationOutcomes(as_of=NOON), tenant).rows
    assert [(row.status, row.conversations, row.share, row.mean_duration_seconds) for row in rows] == [
        ("completed", 2, 0.5, 60.0),
        ("active", 1, 0.25, None),
        ("escalated", 1, 0.25, 60.0),
    ]


def test_what_stays_unresolved(store: Store, tenant: str) -> None:
    told = [
        *talk("a", ("user", 0), ("bot", 1), ("completed", 2), concept="algebra"),
        # asked again a week later, and not a second later than that
        *talk("b", ("user", 0), ("bot", 1), ("completed", 2), concept="algebra", at=MORNING - timedelta(days=7)),
        *talk(
            "c", ("user", 0), ("bot", 1), ("completed", 2, {"satisfaction_score": 0.4}), user="bob", concept="algebra"
        ),
        *talk("d", ("user", 0, {"intent": "pay"}), ("bot", 1), ("user", 2, {"intent": "greet"}), ("escalated", 3)),
        *talk("e", ("user", 0, {"intent": "pay"}), ("abandoned", 3), user="cyd"),
        *talk("f", ("user", 0, {"intent": "thank"}), ("completed", 3), user="cyd"),
    ]
    tell(store, tenant, told)
    rows = {row.subject: row for row in ask(store, UnresolvedQuestions(as_of=NOON), tenant).rows}
    assert rows["thank"].unresolved == 0
    algebra, pay, greet = rows["algebra"], rows["pay"], rows["greet"]
    assert (algebra.questions, algebra.unresolved, algebra.asked_again, algebra.rated_low) == (3, 2, 1, 1)
    assert (pay.questions, pay.unresolved, pay.abandoned, pay.unanswered, pay.escalated) == (2, 1, 1, 1, 0)
    assert (greet.unresolved, greet.escalated, greet.unresolved_rate) == (1, 1, 1.0)


def test_who_asks_for_help_and_who_does_not(store: Store, tenant: str) -> None:
    def tries(user: str, *minutes: int) -> list[Any]:
        return [
            happened("quiz_completion", user, MORNING + timedelta(minutes=m), course="c", concept="x", score=20.0)
            for m in minutes
        ]

    told = tries("ada", 0, 10, 60) + tries("bob", 0, 1, 2)
    told += [happened("quiz_completion", "bob", MORNING, course="c", concept="x", score=80.0)]
    told += talk("k", ("user", 600), ("bot", 601), ("user", 2400.001), course="c", concept="x")
    tell(store, tenant, told)
    ada, bob = ask(store, HelpSeeking(as_of=NOON), tenant).rows
    # after 10 minutes, and 30 minutes and a millisecond after the second attempt
    assert (ada.user_id, ada.messages, ada.failed_attempts, ada.asked_after_failing) == ("ada", 2, 3, 2)
    assert (ada.asking_rate, ada.avoids_help, ada.days_asked) == (near(2 / 3), False, 1)
    assert (bob.user_id, bob.attempts, bob.failed_attempts, bob.avoids_help) == ("bob", 4, 3, True)


def test_analysts_see_no_small_cells(store: Store, tenant: str) -> None:
    yesterday = MORNING - timedelta(days=1)
    told = many(12, "greet", at=yesterday, channel="web") + many(6, "pay", at=yesterday, channel="app")
    told += many(4, "rare", at=yesterday, channel="fax") + many(2, "greet", "abandoned", at=yesterday, channel="web")
    tell(store, tenant, told)
    analyst = Grant(tenant, cells=True)
    intents = ask(store, ConversationIntents(as_of=NOON, min_conversations=1), analyst)
    assert [(row.intent, row.people) for row in intents.rows] == [("pay", 6)]
    assert intents.withheld == 2
    outcomes = ask(store, ConversationOutcomes(as_of=NOON), analyst)
    assert (outcomes.rows, outcomes.withheld) == ([], 2)
    assert [row.channel for row in ask(store, ConversationChannels(as_of=NOON, min_conversations=1), analyst).rows] == [
        "app"
    ]
