"""Anomalies: was the last day unlike those before it?"""

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle, sure
from rollbook.analyses.anomalies import Anomalies
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.analyses.experiments.distributions import two_sided

DAYS = 28
FEWEST_DAYS = 14
METRICS = {"events": "events", "active_users": "active people"}


def find(asked: Inquiry) -> list[Finding]:
    """What is unusual about the last 24 hours of the period. Raises TooLittle."""
    days = sum(row.events > 0 for row in asked.ask(EventsByDay(days=DAYS)))
    if days < FEWEST_DAYS:
        raise TooLittle(f"events on {days} of the last {DAYS} days, and {FEWEST_DAYS} are needed")
    return [found for metric in METRICS for found in _of(asked, metric)]


def _of(asked: Inquiry, metric: str) -> list[Finding]:
    return [
        Finding(
            title=f"Unusually {'many' if row.value > row.expected_mean else 'few'} {METRICS[metric]}: {row.value}",
            description=f"On the {DAYS} days before it were {row.expected_mean:.1f} on the average; this is"
            f" {row.z_score:.1f} standard deviations off.",
            impact="high" if row.severity == "high" else "medium",
            confidence=sure(two_sided(row.z_score)),
            data=row.model_dump(mode="json"),
            advice=(
                Advice(
                    title="Find out what was different",
                    description="A holiday, an exam, a broken sender?",
                    effort="low",
                    benefit="A fault is found on the day on which it begins",
                    steps=("Ask `event_distribution` for what there is more or less of", "Look at the dead letters"),
                ),
            ),
            tags=(metric,),
        )
        for row in asked.ask(Anomalies(metric=metric, window=f"{DAYS}d"))
    ]
