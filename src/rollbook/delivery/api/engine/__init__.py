"""Document 5, the Analytics Engine: its routes under /api/v2 that are no questions, and the prices beside them."""

from fastapi import APIRouter

from rollbook.delivery.api.engine import aggregations, metrics, prices

ROUTERS: tuple[APIRouter, ...] = (prices.router, metrics.router, aggregations.router)
