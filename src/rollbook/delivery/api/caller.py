"""Who asks, and of what: the parameters that every reading route shares."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import AfterValidator

from rollbook.analyses.question import Moment
from rollbook.errors import Unavailable
from rollbook.store import Store

MOST_TENANT_CHARACTERS = 256
FIRST_YEAR, LAST_YEAR = 1981, 2148


async def store_of(request: Request) -> Store:
    """The store of the application. Raises Unavailable before it is open."""
    store: Store | None = getattr(request.app.state, "store", None)
    if store is None:
        raise Unavailable("Rollbook is not ready yet; ask again in a moment")
    return store


def or_default(tenant: str) -> str:
    """An empty tenant is the default one, as it is for events."""
    return tenant or "default"


def reached(moment: datetime) -> datetime:
    """The moment, if the store's calendar reaches it and the months before it."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"use the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


OpenStore = Annotated[Store, Depends(store_of)]
Tenant = Annotated[
    str,
    AfterValidator(or_default),
    Query(alias="tenant_id", max_length=MOST_TENANT_CHARACTERS, description="Whose events."),
]
AsOf = Annotated[
    Annotated[Moment, AfterValidator(reached)] | None,
    Query(description="Answer as if it were this moment; default: now."),
]
