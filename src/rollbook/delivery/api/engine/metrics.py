"""Document 5's metrics: which there are, and queries of them. Samples come in by the ingest route beside them."""

from typing import Annotated

from fastapi import APIRouter, Query

from rollbook.analyses.ask import ask
from rollbook.analyses.metrics.metric_list import KnownMetric, MetricList
from rollbook.analyses.metrics.metric_query import MetricQuery, MetricResult, answer
from rollbook.delivery.api.caller import AsOf, OpenStore, reached
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.errors import Invalid
from rollbook.governance.granted import Granted

router = APIRouter(prefix="/api/v2", tags=["document 5: analytics engine"], responses=REFUSALS)


@router.get("/metrics", summary="Which metrics there are")
def metrics(
    store: OpenStore,
    grant: Granted,
    days: Annotated[int, Query(ge=1, le=3660, description="With a sample in the last N x 24 hours.")] = 30,
    starting: Annotated[str, Query(max_length=256, description="Only those whose names begin so.")] = "",
    as_of: AsOf = None,
) -> dict[str, list[KnownMetric]]:
    """Their types, units and tags, and when each was last seen; at most 10,000, in order of their names."""
    return {"metrics": ask(store, MetricList(days=days, starting=starting, most=10_000, as_of=as_of), grant).rows}


@router.post("/metrics/query", summary="Query metrics")
def query_metrics(store: OpenStore, grant: Granted, query: MetricQuery, as_of: AsOf = None) -> MetricResult:
    """A value for each metric, combination of tags and bucket of the calendar; exact, and never older than the last
    acknowledged event.
    """
    for name in ("start", "end"):
        try:
            reached(getattr(query.time_range, name))
        except ValueError as error:
            raise Invalid(f"time_range.{name}: {error}") from error
    return answer(store, query, grant, as_of)
