"""User behaviour: do more or fewer people come, do they come back, and when are they there?"""

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle, changed, sure
from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.activity_heatmap import ActivityHeatmap
from rollbook.analyses.benchmarks.period_figures import PeriodFigures
from rollbook.analyses.experiments.comparing import Sample, means, proportions

FEWEST_DAYS = 7
FEWEST_PEOPLE = 30
FEWEST_EVENTS = 500
LEAST_CHANGE = 0.1
HOURS_OF_PEAK = 3
LEAST_PEAK = 0.25


def find(asked: Inquiry) -> list[Finding]:
    """What is to be said of how people behave. Raises TooLittle."""
    found = [*_daily(asked), *_returning(asked), *_peak(asked)]
    if not found and not asked.known.get("behaviour"):
        raise TooLittle(
            f"fewer than {FEWEST_DAYS} days with people in this period and in the one before, and fewer"
            f" than {FEWEST_EVENTS} events"
        )
    return found


def _daily(asked: Inquiry) -> list[Finding]:
    """Whether the people of a day have become more or fewer: Welch's test over days."""
    now, before = (_active(one) for one in (asked, asked.before()))
    if len(now) < FEWEST_DAYS or len(before) < FEWEST_DAYS or not any(before) or not any(now):
        return []
    asked.known["behaviour"] = True
    tested = means(_sample(before), _sample(now), 0.05)
    mean, earlier = _sample(now).mean, _sample(before).mean
    if tested is None or abs(mean / earlier - 1) < LEAST_CHANGE:
        return []
    fewer = mean < earlier
    return [
        Finding(
            title=f"{'Fewer' if fewer else 'More'} people come: {changed(mean, earlier)}",
            description=f"On an average day {mean:.1f} people were active, against {earlier:.1f} in the {asked.days}"
            " days before (Welch's test over days, which count as independent).",
            impact="high" if fewer and mean < 0.7 * earlier else "medium",
            confidence=sure(tested.p_value),
            data={"mean_dau": mean, "mean_dau_before": earlier, "p_value": tested.p_value, "days": len(now)},
            advice=(_WIN_BACK,) if fewer else (),
            tags=("active_users",),
        )
    ]


def _active(asked: Inquiry) -> list[float]:
    return [float(row.dau or 0) for row in asked.ask(ActiveUsers(days=asked.days))]


def _sample(values: list[float]) -> Sample:
    return Sample(len(values), sum(values), sum(value * value for value in values))


def _returning(asked: Inquiry) -> list[Finding]:
    """Whether the share of people who come again has changed: two proportions."""
    rows = {row.back: row for row in asked.ask(PeriodFigures(days=asked.days, periods=2))}
    now, before = rows.get(0), rows.get(1)
    if now is None or before is None or min(now.people_before, before.people_before) < FEWEST_PEOPLE:
        return []
    asked.known["behaviour"] = True
    tested = proportions((before.returned, before.people_before), (now.returned, now.people_before), 0.05)
    if tested is None or abs(tested.difference) < LEAST_CHANGE / 2:
        return []
    fewer = tested.difference < 0
    rate, earlier = now.returned / now.people_before, before.returned / before.people_before
    return [
        Finding(
            title=f"{'Fewer' if fewer else 'More'} people come back: {rate:.0%} instead of {earlier:.0%}",
            description=f"Of the {now.people_before} people of the period before, {now.returned} came in this one.",
            impact="high" if fewer else "medium",
            confidence=sure(tested.p_value),
            data={
                "return_rate": rate,
                "return_rate_before": earlier,
                "low": tested.low,
                "high": tested.high,
                "p_value": tested.p_value,
            },
            advice=(_WIN_BACK,) if fewer else (),
            tags=("retention",),
        )
    ]


def _peak(asked: Inquiry) -> list[Finding]:
    """The three hours with most events, if they stand out."""
    hours = [0] * 24
    for row in asked.ask(ActivityHeatmap(days=asked.days)):
        hours[row.hour] += row.events
    total = sum(hours)
    if total < FEWEST_EVENTS:
        return []
    asked.known["behaviour"] = True
    windows = [sum(hours[(hour + n) % 24] for n in range(HOURS_OF_PEAK)) for hour in range(24)]
    begin = max(range(24), key=lambda hour: windows[hour])
    share = windows[begin] / total
    if share < LEAST_PEAK:
        return []
    span = f"{begin:02}:00 to {(begin + HOURS_OF_PEAK) % 24:02}:00"
    return [
        Finding(
            title=f"{share:.0%} of everything happens from {span}",
            description=f"{windows[begin]} of {total} events fall into these three hours; spread evenly it were 12.5%.",
            impact="low",
            confidence=min(0.99, 1 - 1 / total**0.5),
            data={"from_hour": begin, "share": share, "events": total},
            advice=(
                Advice(
                    title="Use the peak",
                    description="Reminders reach most people before it, and changes disturb fewest outside of it.",
                    effort="low",
                    benefit=f"{share:.0%} of the activity is near",
                    steps=(f"Send reminders before {begin:02}:00", "Do maintenance at another time"),
                ),
            ),
            tags=("peak",),
        )
    ]


_WIN_BACK = Advice(
    title="Find out who stays away, and reach them",
    description="Those who came in the period before and not in this one are the first to ask.",
    effort="medium",
    benefit="More of those who were there before come again",
    steps=(
        "Look at `cohorts` and `retention_curve` for when they leave",
        "Ask `dropout_risk` of those at risk",
        "Write to them, and look again after two weeks",
    ),
)
