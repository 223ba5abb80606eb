"""Oracles of behaviour: funnels, paths, stages of life, sessions and survival, event by event."""

import itertools
import math
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import NormalDist, fmean
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import DAY, Events, Oracle, Rows, day_of, ever, last, local, of, people, today

Attempt = tuple[int, int]  # the places of its first event and of its last so far
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _length(window: str) -> timedelta:
    return int(window[:-1]) * timedelta(seconds=UNITS[window[-1]])


def _percentile(values: list[float], level: float) -> float:
    """Linear between the nearest ranks."""
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    low = ordered[math.floor(place)]
    return low + (ordered[math.ceil(place)] - low) * (place - math.floor(place))


class _Funnel:
    """One person's events in their order, and all attempts among them."""

    def __init__(self, question: Any, events: Events) -> None:
        self.question = question
        self.ranks: dict[str, int] = {kind: question.steps.index(kind) for kind in question.steps} | dict.fromkeys(
            question.exclude, 30
        )
        seen = [event for event in events if question.order == "strict" or event["type"] in self.ranks]
        self.events = sorted(seen, key=lambda event: (event["timestamp"], self.rank(event)))

    def rank(self, event: dict[str, Any]) -> int:
        """Its place among events of the same millisecond."""
        return self.ranks.get(event["type"], 31)

    def holds(self, first: int, place: int) -> bool:
        """Whether an attempt may reach from one place to the other."""
        inside = self.events[first : place + 1]
        in_time = inside[-1]["timestamp"] - inside[0]["timestamp"] <= _length(self.question.window)
        return in_time and not any(event["type"] in self.question.exclude for event in inside)

    def attempts(self) -> list[list[Attempt]]:
        """For each step all attempts that got so far."""
        if self.question.order == "any":
            return self._in_any_order()
        reached = [[(n, n) for n, event in enumerate(self.events) if event["type"] == self.question.steps[0]]]
        for step in self.question.steps[1:]:
            reached.append([])
            for first, place in reached[-2]:
                later = range(place + 1, len(self.events))
                nexts = later[:1] if self.question.order == "strict" else later
                fits = (n for n in nexts if self.events[n]["type"] == step and self.holds(first, n))
                reached[-1] += [(first, n) for n in fits]
        return reached

    def _in_any_order(self) -> list[list[Attempt]]:
        reached: list[list[Attempt]] = [[] for _ in self.question.steps]
        for first, place in itertools.combinations_with_replacement(range(len(self.events)), 2):
            if self.holds(first, place):
                for n in range(len({event["type"] for event in self.events[first : place + 1]})):
                    reached[n].append((first, place))
        return reached

    def times(self) -> list[tuple[float, datetime, int]]:
        """For each step that was reached: seconds, and moment and rank of the first event of the attempt."""
        found = []
        for attempts in self.attempts():
            if attempts:
                place = min(place for _, place in attempts)
                first = self.events[max(first for first, end in attempts if end == place)]
                seconds = (self.events[place]["timestamp"] - first["timestamp"]).total_seconds()
                found.append((seconds, first["timestamp"], self.rank(first)))
        return found

    def value(self, moment: datetime, rank: int) -> str:
        """Of the breakdown; of events that cannot be told apart the first by name."""
        by = self.question.breakdown
        here = [e for e in self.events if (e["timestamp"], self.rank(e)) == (moment, rank)]
        return min(event.get(by, "") for event in here) if by else ""


def funnel(question: Any, events: Events, when: When) -> Rows:
    """Everyone's best attempt, by trying all."""
    times: dict[str, list[list[float]]] = {}
    seen = last(events, when, question.days)
    for user in people(seen):
        tried = _Funnel(question, of(user, seen))
        if reached := tried.times():
            value = tried.value(*reached[-1][1:])
            steps = times.setdefault(value, [[] for _ in question.steps])
            for step, (seconds, _, _) in enumerate(reached):
                steps[step].append(seconds)
    shown = sorted(times, key=lambda value: (-len(times[value][0]), value)) if question.breakdown else [""]
    return [
        {
            "value": value,
            "step": n + 1,
            "event": None if question.order == "any" else question.steps[n],
            "entered": len(steps[0]),
            "people": len(took),
            "share": len(took) / len(steps[0]) if steps[0] else None,
            "median_seconds": _percentile(took, 0.5) if took else None,
            "p90_seconds": _percentile(took, 0.9) if took else None,
        }
        for value in shown
        for steps in [times.get(value, [[] for _ in question.steps])]
        for n, took in enumerate(steps)
    ]


def _path(question: Any, events: Events) -> list[str]:
    """The types of one person's path, the event asked about first."""
    ordered = sorted(events, key=lambda event: (event["timestamp"], event["type"]))
    place = next(n for n, event in enumerate(ordered) if event["type"] == question.event)
    way = ordered[place:] if question.direction == "after" else ordered[place::-1]
    near = [e for e in way if abs(e["timestamp"] - ordered[place]["timestamp"]) <= _length(question.window)]
    types = [event["type"] for event in near]
    kept = types if question.repeats else [kind for kind, _ in itertools.groupby(types)]
    return kept[: question.depth + 1]


def paths(question: Any, events: Events, when: When) -> Rows:
    """Everyone's path, laid over each other."""
    seen = last(events, when, question.days)
    walked = [
        _path(question, of(user, seen))
        for user in people(seen)
        if any(event["type"] == question.event for event in of(user, seen))
    ]
    named: dict[int, list[str]] = {0: [question.event]}
    for step in range(1, question.depth + 1):
        counted = Counter(path[step] for path in walked if len(path) > step)
        named[step] = sorted(counted, key=lambda kind: (-counted[kind], kind))[: question.most]

    def name(path: list[str], step: int) -> str:
        if len(path) <= step:
            return "(end)"
        return path[step] if path[step] in named[step] else "(other)"

    edges = Counter(
        (step, name(path, step - 1), name(path, step))
        for path in walked
        for step in range(1, question.depth + 1)
        if len(path) >= step
    )
    rows = []
    for (step, source, target), count in edges.items():
        whole = sum(n for (s, at, _), n in edges.items() if (s, at) == (step, source))
        row = {"step": step, "source": source, "target": target, "people": count, "source_people": whole}
        rows.append(row | {"share": count / whole})
    rest = ("(other)", "(end)")
    return sorted(rows, key=lambda r: (r["step"], r["target"] in rest, -r["people"], r["source"], r["target"]))


def _period_of(unit: str, day: date) -> date:
    """The first day of its period."""
    if unit == "month":
        return day.replace(day=1)
    return day if unit == "day" else day - day.weekday() * DAY


def _periods(question: Any, when: When) -> list[date]:
    """The first days of the periods shown and of the one before them."""
    found = [_period_of(question.unit, today(when))]
    while len(found) <= question.periods:
        found.append(_period_of(question.unit, found[-1] - DAY))
    return found[::-1]


def lifecycle(question: Any, events: Events, when: When) -> Rows:
    """Who is at which stage in each period."""
    active = {
        user: {_period_of(question.unit, day_of(event, when)) for event in of(user, ever(events, when))}
        for user in people(ever(events, when))
    }
    rows = []
    for before, period in itertools.pairwise(_periods(question, when)):
        here = {user for user, periods in active.items() if period in periods}
        there = {user for user, periods in active.items() if before in periods}
        new = {user for user in here if min(active[user]) == period}
        row = {"new": len(new), "returning": len(here & there), "dormant": len(there - here)}
        rows.append({"period": period, "resurrecting": len(here - there - new)} | row)
    return rows


def stickiness(question: Any, events: Events, when: When) -> Rows:
    """On how many days everyone came."""
    rows = []
    starts = _periods(question, when)[1:]
    for begin in starts:
        end = begin
        while _period_of(question.unit, end) == begin:
            end += DAY
        passed = min((end - begin).days, (today(when) - begin).days + 1)
        came = {
            (e["user"], day_of(e, when)) for e in ever(events, when) if begin <= day_of(e, when) < end and e["user"]
        }
        days = Counter(user for user, _ in came)
        shares = [
            sum(n > k for n in days.values()) / len(days) if days and k < passed else None
            for k in range((end - begin).days)
        ]
        average = len(came) / passed / len(days) if days else None
        rows.append(
            {"period": begin, "days_so_far": passed, "people": len(days), "dau_mau": average, "at_least": shares}
        )
    return rows


def sessions(question: Any, events: Events, when: When) -> Rows:
    """Everyone's events, cut at their pauses."""
    found: dict[date, list[tuple[str, list[datetime]]]] = defaultdict(list)
    for user in people(ever(events, when)):
        runs: list[list[datetime]] = []
        for moment in sorted(event["timestamp"] for event in of(user, ever(events, when))):
            if runs and moment - runs[-1][-1] <= timedelta(minutes=question.gap_minutes):
                runs[-1].append(moment)
            else:
                runs.append([moment])
        for run in runs:
            found[local(run[0], when).date()].append((user, run))
    rows = []
    for n in reversed(range(question.days)):
        began = found[today(when) - n * DAY]
        lengths = [(run[-1] - run[0]).total_seconds() for _, run in began]
        bounces = sum(len(run) == 1 for _, run in began)
        rows.append(
            {
                "day": today(when) - n * DAY,
                "sessions": len(began),
                "people": len({user for user, _ in began}),
                "events": sum(len(run) for _, run in began),
                "bounces": bounces,
                "bounce_rate": bounces / len(began) if began else None,
                "mean_seconds": fmean(lengths) if lengths else None,
                "median_seconds": _percentile(lengths, 0.5) if lengths else None,
            }
        )
    return rows


def _end(days: list[date], done: list[date], question: Any, now: date) -> tuple[int, str]:
    """How many days after they first came somebody's time ends, and how: tried day by day."""
    day = days[0]
    while day < now:
        if day in done:
            return (day - days[0]).days, "completed"
        pause = [day - n * DAY for n in range(question.inactive_days)]
        if pause[-1] > days[0] and not any(one in days for one in pause):
            return (day - days[0]).days, "dropped"
        day += DAY
    return max((now - days[0]).days - 1, 0), "censored"


def survival(question: Any, events: Events, when: When) -> Rows:
    """The estimators by their textbook formulas, over the set at risk on each day, in fractions."""
    ends = []
    for user in people(ever(events, when)):
        theirs = of(user, ever(events, when))
        days = sorted({day_of(event, when) for event in theirs})
        done = [day_of(event, when) for event in theirs if event["type"] == question.completion]
        if days[0] > today(when) - question.days * DAY:
            ends.append(_end(days, done, question, today(when)))
    rows: Rows = []
    survival, dropout, completion, variance = Fraction(1), Fraction(0), Fraction(0), Fraction(0)
    z = NormalDist().inv_cdf((1 + question.confidence) / 2)
    for day in range(max((time for time, _ in ends), default=-1) + 1):
        at_risk = sum(time >= day for time, _ in ends)
        dropped, completed = (sum(end == (day, how) for end in ends) for how in ("dropped", "completed"))
        free = 1 - dropout - completion
        dropout += free * Fraction(dropped, at_risk)
        completion += free * Fraction(completed, at_risk)
        survival *= 1 - Fraction(dropped, at_risk)
        variance += Fraction(dropped, at_risk * (at_risk - dropped)) if at_risk > dropped else 0
        row = {"day": day, "at_risk": at_risk, "survival": survival, "dropout": dropout, "completion": completion}
        row["dropped"] = sum(time <= day and how == "dropped" for time, how in ends)
        row["completed"] = sum(time <= day and how == "completed" for time, how in ends)
        row["lower"] = row["upper"] = None
        if 0 < survival < 1:
            spread = z * math.sqrt(variance) / math.log(survival)
            row["lower"], row["upper"] = (float(survival) ** math.exp(sign * spread) for sign in (-1, 1))
        rows.append(row)
    return rows


ORACLES: tuple[Oracle, ...] = (funnel, paths, lifecycle, stickiness, sessions, survival)
