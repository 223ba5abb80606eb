"""The oracle of experiments: who was in which variant, and what they did then."""

import json
import statistics
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from rollbook.analyses.question import When
from tests.oracles.ground import Events, Oracle, Rows, last

EXPOSURES = ("experiment_assigned", "experiment_exposed")


def experiment(question: Any, events: Events, when: When) -> Rows:
    """Each variant's people, conversions and values; the control first."""
    seen = last(events, when, question.days)
    unit = "course" if question.unit == "course" else "user"
    exposures: dict[str, Rows] = defaultdict(list)
    for event in seen:
        said = json.loads(event.get("properties") or "{}")
        if event["type"] in EXPOSURES and said.get("experiment") == question.experiment and said.get("variant"):
            exposures[event[unit]].append({"variant": said["variant"], "at": event["timestamp"]})
    exposures.pop("", None)
    members: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for unit_id, found in exposures.items():
        variants = {one["variant"] for one in found}
        name = variants.pop() if len(variants) == 1 else ""
        people = {event["user"] for event in seen if event[unit] == unit_id} - {""}
        members[name] += [(unit_id, person) for person in people]
    mixed = len(members.pop("", []))
    rows = [row(question, name, of, seen, exposures) for name, of in members.items() if of]
    control = question.control or ("control" if any(r["variant"] == "control" for r in rows) else None)
    control = control or min((r["variant"] for r in rows), default="")
    rows.sort(key=lambda r: (r["variant"] != control, r["variant"]))
    return [r | {"is_control": r["variant"] == control, "mixed": mixed} for r in rows]


def row(question: Any, name: str, of: list[tuple[str, str]], seen: Events, exposures: dict[str, Rows]) -> Any:
    """What one variant did."""
    unit = "course" if question.unit == "course" else "user"
    began = {u: min(one["at"] for one in exposures[u]) for u, _ in of}
    done = [(u, acts(question, [e for e in seen if e[unit] == u], person, began[u])) for u, person in of]
    goals = [[act for act in found if act["type"] == question.goal] for _, found in done]
    values = [value for found in goals if (value := value_of(question, found)) is not None]
    guards = [*question.must_not_rise, *question.must_not_fall]
    return {
        "variant": name,
        "people": len(of),
        "classes": len({u for u, _ in of}) if unit == "course" else None,
        "conversions": sum(bool(found) for found in goals),
        "rate": sum(bool(found) for found in goals) / len(of),
        "values": len(values) if question.value else len(of),
        "mean": statistics.fmean(values) if question.value and values else None,
        "deviation": statistics.stdev(values) if question.value and len(values) > 1 else None,
        "guardrails": [
            {"type": kind, "people": sum(any(act["type"] == kind for act in found) for _, found in done)}
            for kind in guards
        ],
    }


def acts(question: Any, seen: Events, person: str, began: datetime) -> Rows:
    """What a person did from the first exposure on."""
    mine = [event for event in seen if event["user"] == person and event["timestamp"] >= began]
    if question.within_days:
        mine = [event for event in mine if event["timestamp"] < began + timedelta(days=question.within_days)]
    return mine


def value_of(question: Any, goals: Rows) -> float | None:
    """A person's value."""
    if not question.value:
        return 1.0 if goals else 0.0
    said = [goal.get(question.value) if question.value in ("score", "duration") else
            json.loads(goal["properties"]).get(question.value) for goal in goals]  # fmt: skip
    numbers = [float(number) for number in said if number is not None]
    if question.per == "sum":
        return sum(numbers)
    return statistics.fmean(numbers) if numbers else None


ORACLES: tuple[Oracle, ...] = (experiment,)
