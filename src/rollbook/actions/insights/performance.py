"""Performance trends: do services fail more often, or answer more slowly?"""

from collections import defaultdict

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle, changed, sure
from rollbook.analyses.experiments.comparing import Sample, means, proportions
from rollbook.analyses.services.performance import Performance, Running

FEWEST_REQUESTS = 100
FEWEST_DAYS = 3
LEAST_CHANGE = 0.2
MINUTES_A_DAY = 1440
HOURS_A_DAY = 24


def find(asked: Inquiry) -> list[Finding]:
    """What is to be said of services. Raises TooLittle."""
    now, before = (_running(one) for one in (asked, asked.before()))
    both = [name for name in sorted(now) if before.get(name) and _enough(now[name]) and _enough(before[name])]
    if not both:
        raise TooLittle(f"no service had {FEWEST_REQUESTS} requests in this period and in the one before")
    return [found for name in both for found in _of(name, now[name], before[name])]


def _running(asked: Inquiry) -> dict[str, list[Running]]:
    rows: dict[str, list[Running]] = defaultdict(list)
    for row in asked.ask(Performance(hours=HOURS_A_DAY * asked.days, minutes=MINUTES_A_DAY)):
        rows[row.service].append(row)
    return rows


def _enough(rows: list[Running]) -> bool:
    return sum(row.request_count for row in rows) >= FEWEST_REQUESTS


def _of(service: str, now: list[Running], before: list[Running]) -> list[Finding]:
    return [*_errors(service or "(no name)", now, before), *_latency(service or "(no name)", now, before)]


def _errors(service: str, now: list[Running], before: list[Running]) -> list[Finding]:
    counts = [(sum(r.error_count for r in rows), sum(r.request_count for r in rows)) for rows in (before, now)]
    tested = proportions(counts[0], counts[1], 0.05)
    rates = [errors / requests for errors, requests in counts]
    if tested is None or abs(tested.difference) <= LEAST_CHANGE * rates[0]:
        return []
    worse = tested.difference > 0
    return [
        Finding(
            title=f"{service} fails {'more' if worse else 'less'} often: {rates[1]:.2%} instead of {rates[0]:.2%}",
            description=f"{counts[1][0]} of {counts[1][1]} requests failed, against {counts[0][0]} of {counts[0][1]} in"
            " the period before.",
            impact=("critical" if rates[1] > 0.05 else "high") if worse else "low",
            confidence=sure(tested.p_value),
            data={
                "error_rate": rates[1],
                "error_rate_before": rates[0],
                "low": tested.low,
                "high": tested.high,
                "p_value": tested.p_value,
            },
            advice=(_look(service, "errors"),) if worse else (),
            tags=("errors", service),
        )
    ]


def _latency(service: str, now: list[Running], before: list[Running]) -> list[Finding]:
    """The 95th percentile of days, by Welch's test."""
    days = [[row.latency_p95 for row in rows if row.latency_p95 is not None] for rows in (before, now)]
    if min(map(len, days)) < FEWEST_DAYS:
        return []
    samples = [Sample(len(one), sum(one), sum(value * value for value in one)) for one in days]
    tested = means(samples[0], samples[1], 0.05)
    if tested is None or abs(tested.difference) <= LEAST_CHANGE * samples[0].mean:
        return []
    worse, change = tested.difference > 0, changed(samples[1].mean, samples[0].mean)
    return [
        Finding(
            title=f"{service} answers {'more slowly' if worse else 'faster'}: p95 {change}",
            description=f"The mean of the days' 95th percentiles is {samples[1].mean:.0f} ms, against"
            f" {samples[0].mean:.0f} ms in the period before (Welch's test over days).",
            impact="medium" if worse else "low",
            confidence=sure(tested.p_value),
            data={"p95_ms": samples[1].mean, "p95_ms_before": samples[0].mean, "p_value": tested.p_value},
            advice=(_look(service, "latency"),) if worse else (),
            tags=("latency", service),
        )
    ]


def _look(service: str, what: str) -> Advice:
    return Advice(
        title=f"Look for what changed in {service}",
        description=f"Its {what} got worse from one period to the next; what was released or loaded in between?",
        effort="medium",
        benefit=f"{what} as in the period before",
        steps=(
            f"Ask `performance` by hours for {service} to find when it began",
            "Compare with releases and load",
            "Look at p99 and at the load of the machine then",
        ),
    )
