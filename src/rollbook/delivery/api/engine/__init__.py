"""Document 5, the Analytics Engine: its routes under /api/v2 that are no questions; prices and segments beside them."""

from fastapi import APIRouter

from rollbook.delivery.api.engine import aggregations, metrics, prices, segments

ROUTERS: tuple[APIRouter, ...] = (
    prices.router,
    metrics.router,
    aggregations.router,
    segments.router,
)
