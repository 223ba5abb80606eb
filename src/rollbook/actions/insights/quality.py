"""Quality metrics: is more of what is sent refused?"""

from collections import Counter

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle, sure
from rollbook.analyses.experiments.comparing import proportions
from rollbook.store import counters

FEWEST_EVENTS = 200
LEAST_SHARE = 0.01


def find(asked: Inquiry) -> list[Finding]:
    """What is to be said of the data. Raises TooLittle."""
    if not asked.sees_all:
        raise TooLittle("what was refused at the way in is shown to those who see all of the tenant")
    now, before = (_counted(one) for one in (asked, asked.before()))
    if sum(now.values()) < FEWEST_EVENTS:
        raise TooLittle(f"fewer than {FEWEST_EVENTS} events came in")
    share = now["rejected"] / sum(now.values())
    if share < LEAST_SHARE:
        return []
    tested = proportions((before["rejected"], sum(before.values())), (now["rejected"], sum(now.values())), 0.05)
    new = tested is not None and tested.low > 0
    return [
        Finding(
            title=f"{share:.1%} of the events that came in were refused",
            description=f"{now['rejected']} of {sum(now.values())} could not be taken"
            + (f"; in the period before {before['rejected']} of {sum(before.values())}." if before else "."),
            impact="high" if new and share > 0.05 else "medium",
            confidence=sure(tested.p_value) if new and tested else 1 - 1 / sum(now.values()) ** 0.5,
            data={"rejected": now["rejected"], "accepted": now["accepted"], "rejected_before": before["rejected"]},
            advice=(
                Advice(
                    title="Mend what sends them, and replay the dead letters",
                    description="Each refused event is kept with its reason.",
                    effort="low",
                    benefit="No event is missing from answers",
                    steps=(
                        "`rollbook dead-letters count` says why",
                        "Mend the sender",
                        "`rollbook dead-letters replay`",
                    ),
                ),
            ),
            tags=("rejected",),
        )
    ]


def _counted(asked: Inquiry) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in counters.read(asked.store.engine, asked.grant.tenant, asked.begin, asked.end):
        if row["outcome"] in ("accepted", "rejected"):
            found[row["outcome"]] += int(row["events"])
    return found
