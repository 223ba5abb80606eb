"""Document 5, the Analytics Engine: its routes under /api/v2 that are no questions; prices and segments beside them."""

from fastapi import APIRouter

from rollbook.delivery.api.engine import aggregations, benchmarks, health, insights, metrics, prices, segments

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    metrics.router,
    aggregations.router,
    segments.router,
    insights.router,
    benchmarks.router,
    prices.router,
)
