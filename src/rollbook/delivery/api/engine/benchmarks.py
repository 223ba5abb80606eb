"""Benchmarks over HTTP (document 5's benchmark service): against the own past, and against others that agreed."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rollbook.analyses.ask import ask
from rollbook.analyses.benchmarks.comparing import FEWEST_OTHERS, Spread, Standing, others, others_of, past
from rollbook.analyses.benchmarks.period_figures import Figures, PeriodFigures
from rollbook.delivery.api.caller import AsOf, OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.governance.granted import Granted

router = APIRouter(prefix="/api/v2/benchmarks", tags=["document 5: analytics engine"], responses=REFUSALS)

# metrics, and whether more of them is better
METRICS: dict[str, Literal["higher", "lower"]] = {
    "people": "higher",
    "events_per_person": "higher",
    "sessions_per_person": "higher",
    "minutes_per_person": "higher",
    "completions_per_person": "higher",
    "return_rate": "higher",
    "error_rate": "lower",
}
# sizes of tenants say who they are
OWN_ONLY = frozenset({"people"})


class Against(BaseModel):
    """What a value is compared with."""

    count: int = Field(description="Periods, or tenants.")
    lower_quartile: float
    median: float
    upper_quartile: float
    standing: Standing = Field(description="`above` the upper quartile, `below` the lower one, or `usual`.")


class Benchmark(BaseModel):
    """One metric of the last period."""

    metric: str
    better: Literal["higher", "lower"]
    value: float | None = Field(description="null: not known, or withheld.")
    previous: float | None = Field(description="Of the period before.")
    change: float | None = Field(description="From the previous one, as a share of it.")
    past: Against | None = Field(description="The earlier periods; null: none is known.")
    others: Against | None = Field(description="Other tenants, none of whom can be told; null: see others_state.")


class BenchmarkReport(BaseModel):
    """A tenant against its own past and against others."""

    tenant_id: str
    begin: date | None = Field(description="The first day of the last period; null: it is withheld.")
    end: date | None = Field(description="Its last day.")
    others_state: Literal["shown", "not_shared", "too_few", "not_yours"] = Field(
        description="`not_shared`: the tenant's setting share_benchmarks is off; `too_few`: fewer than five others"
        " share theirs; `not_yours`: you do not see all of the tenant."
    )
    benchmarks: list[Benchmark]


@router.get("", summary="The last period against earlier ones and against others")
def benchmarks(
    store: OpenStore,
    grant: Granted,
    days: Annotated[int, Query(ge=1, le=366, description="Calendar days of a period.")] = 28,
    periods: Annotated[int, Query(ge=1, le=23, description="Earlier periods to compare with.")] = 6,
    as_of: AsOf = None,
) -> BenchmarkReport:
    """Whole days up to yesterday, each metric against the same number of days before, and before that."""
    rows = ask(store, PeriodFigures(days=days, periods=periods + 1, as_of=as_of), grant).rows
    known = {row.back: row for row in rows}
    foreign = None
    mine = grant.users is None and grant.courses is None
    if mine:
        foreign = others_of(store).figures(grant.tenant, days, as_of)
    last = known.get(0)
    return BenchmarkReport(
        tenant_id=grant.tenant,
        begin=last and last.begin,
        end=last and last.end,
        others_state=_state(mine, foreign),
        benchmarks=[_benchmark(metric, known, foreign or []) for metric in METRICS],
    )


def _state(mine: bool, foreign: list[Figures] | None) -> Literal["shown", "not_shared", "too_few", "not_yours"]:
    if not mine:
        return "not_yours"
    if foreign is None:
        return "not_shared"
    return "shown" if len(foreign) >= FEWEST_OTHERS else "too_few"


def _benchmark(metric: str, known: dict[int, Figures], foreign: list[Figures]) -> Benchmark:
    value, previous = (_value(known.get(back), metric) for back in (0, 1))
    earlier = [found for back, row in known.items() if back and (found := _value(row, metric)) is not None]
    abroad = [] if metric in OWN_ONLY else [one for row in foreign if (one := _value(row, metric)) is not None]
    return Benchmark(
        metric=metric,
        better=METRICS[metric],
        value=value,
        previous=previous,
        change=(value - previous) / previous if value is not None and previous else None,
        past=_against(past(earlier), value),
        others=_against(others(abroad), value),
    )


def _value(row: Figures | None, metric: str) -> float | None:
    return None if row is None else getattr(row, metric)


def _against(spread: Spread | None, value: float | None) -> Against | None:
    if spread is None:
        return None
    return Against(
        count=spread.count,
        lower_quartile=spread.lower,
        median=spread.median,
        upper_quartile=spread.upper,
        standing=spread.standing(value),
    )
