"""Who asks, and of what: the parameters that every reading route shares."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import AfterValidator

from rollbook.analyses.question import Moment
from rollbook.errors import Unavailable
from rollbook.store import Store

FIRST_YEAR, LAST_YEAR = 1981, 2148


async def store_of(request: Request) -> Store:
    """The store of the application. Raises Unavailable before it is open."""
    store: Store | None = getattr(request.app.state, "store", None)
    if store is None:
        raise Unavailable("Rollbook is not ready yet; ask again in a moment")
    return store


def reached(moment: datetime) -> datetime:
    """The moment, if the store's calendar reaches it and the months before it."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"use the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


OpenStore = Annotated[Store, Depends(store_of)]
AsOf = Annotated[
    Annotated[Moment, AfterValidator(reached)] | None,
    Query(description="Answer as if it were this moment; default: now."),
]
