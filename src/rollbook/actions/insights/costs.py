"""Cost optimisation: what is dear, what would be cheaper, and what is not known."""

from collections import defaultdict
from decimal import Decimal

from rollbook.actions.insights.insight import Advice, Finding, Inquiry, TooLittle
from rollbook.analyses.costs.model_usage import ModelUsage, Used
from rollbook.analyses.costs.prices import plain
from rollbook.analyses.experiments.comparing import proportions

FEWEST_CALLS = 20
LEAST_SAVING = Decimal("0.1")
MANY_TOKENS = 100_000
LEAST_CACHED = 0.1
WORSE = 0.05


def find(asked: Inquiry) -> list[Finding]:
    """What is to be said of costs. Raises TooLittle."""
    rows = asked.ask(ModelUsage(days=asked.days, by=("provider", "model", "operation")))
    if sum(row.calls for row in rows) < FEWEST_CALLS:
        raise TooLittle(f"fewer than {FEWEST_CALLS} calls of models")
    total = sum((row.cost_cents for row in rows if row.cost_cents), Decimal())
    return [*_unknown(rows), *_routing(rows, total), *_caching(rows)]


def _unknown(rows: list[Used]) -> list[Finding]:
    calls, unknown = sum(row.calls for row in rows), sum(row.calls_without_cost for row in rows)
    if not unknown:
        return []
    models = sorted({model for row in rows for model in row.unknown_models})
    return [
        Finding(
            title=f"What {unknown} of {calls} calls cost is not known",
            description=f"They bring no cost, and no price holds for {', '.join(models[:5])}.",
            impact="medium" if unknown * 10 >= calls else "low",
            confidence=1.0,
            data={"calls": calls, "calls_without_cost": unknown, "unknown_models": models},
            advice=(
                Advice(
                    title="Add prices",
                    description="Costs of the past follow from a price as soon as it is there.",
                    effort="low",
                    benefit="Costs are known whole",
                    steps=tuple(f"POST /api/v2/prices for {model}" for model in models[:5]),
                ),
            ),
            tags=("prices",),
        )
    ]


def _routing(rows: list[Used], total: Decimal) -> list[Finding]:
    """Where one operation is done by several models: what if the dearer one's calls went to the cheapest?"""
    by_operation: dict[str, list[Used]] = defaultdict(list)
    for row in rows:
        if row.cost_cents and row.calls - row.calls_without_cost >= FEWEST_CALLS:
            by_operation[row.operation or ""].append(row)
    found = []
    for operation, used in sorted(by_operation.items()):
        cheapest = min(used, key=_each)
        for row in used:
            saving = (_each(row) - _each(cheapest)) * (row.calls - row.calls_without_cost)
            if row is not cheapest and saving >= LEAST_SAVING * total:
                found.append(_cheaper(operation, row, cheapest, saving, total))
    return found


def _each(row: Used) -> Decimal:
    return (row.cost_cents or Decimal()) / (row.calls - row.calls_without_cost)


def _cheaper(operation: str, row: Used, cheapest: Used, saving: Decimal, total: Decimal) -> Finding:
    tested = proportions((row.failures, row.calls), (cheapest.failures, cheapest.calls), 0.05)
    fails_more = tested is not None and tested.low > 0
    share, known = float(saving / total), (row.calls - row.calls_without_cost) / row.calls
    quality = "fails more often, so weigh that" if fails_more else "does not fail more often, as far as can be seen"
    return Finding(
        title=f"{operation}: {cheapest.model} costs {plain(round(_each(cheapest), 4))} cents a call, {row.model}"
        f" {plain(round(_each(row), 4))}",
        description=f"If all {row.calls} calls went to {cheapest.model}, {plain(round(saving, 2))} cents"
        f" ({share:.0%} of all costs) would be saved; this assumes calls as long as its own."
        f" {cheapest.model} {quality}.",
        impact="low" if fails_more else "high" if share >= 0.3 else "medium",
        confidence=known * (1 - 1 / min(row.calls, cheapest.calls) ** 0.5),
        data={
            "operation": operation,
            "model": f"{row.provider}/{row.model}",
            "cheaper_model": f"{cheapest.provider}/{cheapest.model}",
            "saving_cents": plain(saving),
            "share_of_costs": share,
            "failure_rate": row.failure_rate,
            "failure_rate_of_cheaper": cheapest.failure_rate,
        },
        advice=(
            Advice(
                title=f"Send part of {operation} to {cheapest.model}",
                description="Quality is not only whether a call succeeds: let an experiment decide.",
                effort="medium",
                benefit=f"up to {plain(round(saving, 2))} cents in a period as long as this one",
                steps=("Choose simple cases", "Put people into an experiment", "Compare ratings and costs"),
            ),
        ),
        tags=("routing", operation),
    )


def _caching(rows: list[Used]) -> list[Finding]:
    """Much that is read, and hardly anything from a cache."""
    found = []
    for row in rows:
        read = row.input_tokens + row.cached_tokens
        if read < MANY_TOKENS or row.cached_tokens >= LEAST_CACHED * read:
            continue
        found.append(
            Finding(
                title=f"{row.model} reads {read} tokens for {row.operation}, {row.cached_tokens / read:.0%} of them"
                " from a cache",
                description="Where calls begin alike (instructions, course material), providers read the beginning from"
                " a cache at a fraction of the price, or the calls do not say so.",
                impact="low",
                confidence=1 - 1 / row.calls**0.5,
                data={"input_tokens": row.input_tokens, "cached_tokens": row.cached_tokens, "calls": row.calls},
                advice=(
                    Advice(
                        title="Use the provider's cache",
                        description="What calls share must come first, and be the same to the letter.",
                        effort="low",
                        benefit="depends on the provider's rate for cached tokens",
                        steps=("Put shared instructions first", "Send `cached_tokens`", "Look at `model_usage` again"),
                    ),
                ),
                tags=("caching",),
            )
        )
    return found
