"""What the gate has granted, for routes: whose data this call may see, and who calls."""

from typing import Annotated

from fastapi import Depends, Query, Request

from rollbook.errors import Unauthenticated
from rollbook.governance.caller import Caller
from rollbook.governance.grants import Grant

MOST_TENANT_CHARACTERS = 256


async def grant_of(
    request: Request,
    _: Annotated[
        str | None,
        Query(
            alias="tenant_id",
            max_length=MOST_TENANT_CHARACTERS,
            description="Whose; default: the tenant of the key or token, with open access `default`.",
        ),
    ] = None,
) -> Grant:
    """The grant of this call. Raises Unauthenticated where no gate has let it pass."""
    grant: Grant | None = request.scope.get("state", {}).get("grant")
    if grant is None:
        raise Unauthenticated("this address is not in the table of routes")
    return grant


async def caller_of(grant: Annotated[Grant, Depends(grant_of)]) -> Caller:
    """Who calls."""
    if grant.caller is None:
        raise Unauthenticated("nobody has called")
    return grant.caller


async def tenant_of(grant: Annotated[Grant, Depends(grant_of)]) -> str:
    """The tenant of this call, for routes that reach all of it."""
    return grant.tenant


Granted = Annotated[Grant, Depends(grant_of)]
Calling = Annotated[Caller, Depends(caller_of)]
Tenant = Annotated[str, Depends(tenant_of)]
