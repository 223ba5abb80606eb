"""The oracle of periods and of those before them."""

from datetime import date
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import COMPLETIONS, DAY, Events, Oracle, Rows, day_of, ever, people, today


def period_figures(question: Any, events: Events, when: When) -> Rows:
    """Each period, the last one first."""
    seen = ever(events, when)
    yesterday = today(when) - DAY

    def within(back: int) -> Rows:
        last = yesterday - back * question.days * DAY
        return [event for event in seen if last - question.days * DAY < day_of(event, when) <= last]

    return [figures(question, yesterday, back, within(back), within(back + 1)) for back in range(question.periods)]


def figures(question: Any, yesterday: date, back: int, here: Rows, earlier: Rows) -> dict[str, Any]:
    """What people did in a period."""
    who, before = people(here), people(earlier)
    done = [event for event in here if event["user"]]
    requests = [event for event in here if event["type"] in ("api_request", "api_error")]
    end = yesterday - back * question.days * DAY

    def each(amount: float) -> float | None:
        return amount / len(who) if who else None

    return {
        "back": back,
        "begin": end - (question.days - 1) * DAY,
        "end": end,
        "people": len(who),
        "people_before": len(before),
        "returned": len(who & before),
        "events_per_person": each(len(done)),
        "sessions_per_person": each(sum(event["type"] == "session_start" for event in done)),
        "minutes_per_person": each(sum(event.get("duration") or 0 for event in done) / 60),
        "completions_per_person": each(sum(event["type"] in COMPLETIONS for event in done)),
        "return_rate": len(who & before) / len(before) if before else None,
        "error_rate": sum(event["type"] == "api_error" for event in requests) / len(requests) if requests else None,
    }


ORACLES: tuple[Oracle, ...] = (period_figures,)
