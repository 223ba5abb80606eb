"""Oracles of returning: do people come back."""

from datetime import date
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, day_of, ever, last, people, today


def retention(question: Any, events: Events, when: When) -> Rows:
    """Who of the cohort was active in the period."""
    cohort = people(ever(events, when)) if question.users is None else set(question.users) - {""}
    active = people(last(events, when, question.period)) & cohort
    return [
        {
            "period_days": question.period,
            "retention_rate": len(active) / len(cohort) if cohort else 0.0,
            "cohort_size": len(cohort),
            "active_users": len(active),
        }
    ]


def retention_periods(question: Any, events: Events, when: When) -> Rows:
    """Retention for each period."""
    cohort = people(ever(events, when))
    active = [len(people(last(events, when, period))) for period in question.periods]
    return [
        {
            "period_days": period,
            "retention_rate": came / len(cohort) if cohort else 0.0,
            "cohort_size": len(cohort),
            "active_users": came,
        }
        for period, came in zip(question.periods, active, strict=True)
    ]


def _days_of(user: str, events: Events, when: When) -> list[date]:
    return sorted({day_of(event, when) for event in ever(events, when) if event["user"] == user})


def _cohorts(events: Events, when: When) -> dict[date, list[list[date]]]:
    """The days of each person, under the first of them."""
    found: dict[date, list[list[date]]] = {}
    for user in sorted(people(ever(events, when))):
        days = _days_of(user, events, when)
        found.setdefault(days[0], []).append(days)
    return found


def cohort_analysis(question: Any, events: Events, when: When) -> Rows:
    """Who of the day's cohort came on day N (or later), once day N has ended."""
    people = _cohorts(events, when).get(question.cohort_date, [])

    def share(n: int) -> float | None:
        target = question.cohort_date + n * DAY
        if not people or target >= today(when):
            return None
        back = [days for days in people if (target in days if question.exact else days[-1] >= target)]
        return len(back) / len(people)

    shares = {f"day_{n}": share(n) for n in question.periods}
    return [{"cohort_date": question.cohort_date, "cohort_size": len(people), "retention": shares}]


def cohorts(question: Any, events: Events, when: When) -> Rows:
    """Every day's cohort, day by day."""

    def share(first: date, people: list[list[date]], n: int) -> float | None:
        back = sum(days[-1] >= first + n * DAY for days in people)
        return back / len(people) if first + n * DAY < today(when) else None

    return [
        {"day": day, "people": len(people), "returned": [share(day, people, n) for n in range(question.days)]}
        for day, people in sorted(_cohorts(events, when).items())
        if day > today(when) - question.days * DAY
    ]


def retention_curve(question: Any, events: Events, when: When) -> Rows:
    """The cohorts of the days shown, taken together."""
    everyone = [
        days
        for day, people in _cohorts(events, when).items()
        if day > today(when) - question.days * DAY
        for days in people
    ]
    rows = []
    for n in range(question.days):
        old = [days for days in everyone if days[0] + n * DAY < today(when)]
        back = sum(days[-1] >= days[0] + n * DAY for days in old)
        rows.append({"n": n, "people": len(old), "returned": back, "share": back / len(old) if old else None})
    return rows


ORACLES: tuple[Oracle, ...] = (retention, retention_periods, cohort_analysis, cohorts, retention_curve)
