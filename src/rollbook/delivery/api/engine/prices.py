"""Prices over HTTP: what models' tokens cost, and since when."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollbook.analyses.costs.prices import Cents, plain
from rollbook.analyses.costs.tokens import counting_of
from rollbook.analyses.question import Moment
from rollbook.delivery.api.caller import OpenStore, reached
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Invalid, NotFound
from rollbook.governance.granted import Granted, Tenant
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store

router = APIRouter(prefix="/api/v2/prices", tags=["costs"], responses=REFUSALS)

MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "The tenant has no such price."}}
SAME: dict[int | str, dict[str, Any]] = {409: {"model": Refused, "description": "The model has one from then already."}}

Name = Annotated[str, Field(min_length=1, max_length=256)]
Rate = Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=9)]
Kinds = ("input", "cached", "output", "reasoning")


class PriceWanted(BaseModel):
    """What a million tokens of a model cost from a moment on; amounts as texts or numbers, in the currency's unit."""

    model_config = ConfigDict(extra="forbid")

    provider: Name = Field(description="As `model_provider` in events; upper and lower case are the same.")
    model: Name = Field(description="As `model_name` in events; upper and lower case are the same.")
    valid_from: Annotated[Moment, AfterValidator(reached)] = Field(
        description="From when it holds, until the model's next one; no zone: UTC."
    )
    currency: str | None = Field(None, pattern="^[A-Z]{3}$", description="The tenant's, which is the default.")
    input_per_million: Rate = Field(description="Tokens read anew.")
    cached_per_million: Rate | None = Field(None, description="Tokens read from a cache; default: as input.")
    output_per_million: Rate | None = Field(
        None, description="Tokens written; leave it out for models that only read, whose tokens all count as input."
    )
    reasoning_per_million: Rate | None = Field(None, description="Tokens of reasoning; default: as output.")
    cached_within_input: bool | None = Field(
        None, description="Whether `input_tokens` hold the cached ones; default: as the provider counts."
    )
    reasoning_within_output: bool | None = Field(
        None, description="Whether `output_tokens` hold those of reasoning; default: as the provider counts."
    )


class PriceAnswer(BaseModel):
    """A price; amounts are texts, so that nothing of them is lost."""

    id: str
    provider: str
    model: str
    valid_from: datetime
    currency: str
    input_per_million: Cents
    cached_per_million: Cents | None
    output_per_million: Cents | None
    reasoning_per_million: Cents | None
    cached_within_input: bool = Field(description="As it is set, or as the provider counts.")
    reasoning_within_output: bool = Field(description="As it is set, or as the provider counts.")


@router.get("", summary="A tenant's prices of models")
def list_prices(store: OpenStore, grant: Granted) -> dict[str, list[PriceAnswer]]:
    """All of them, by provider, model and date."""
    return {"prices": [_shown(row) for row in store.records.prices.of(grant.tenant)]}


@router.post("", status_code=201, summary="Add a price", responses=SAME)
def add_price(store: OpenStore, tenant: Tenant, wanted: PriceWanted) -> PriceAnswer:
    """Add a price. Costs of events since `valid_from` that brought none follow it from now on."""
    return _put(store, tenant, uuid.uuid4().hex[:16], wanted)


@router.get("/{price}", summary="One price", responses=MISSING)
def show_price(store: OpenStore, grant: Granted, price: str) -> PriceAnswer:
    """A price by its id."""
    return _shown(_known(store, grant.tenant, price))


@router.put("/{price}", summary="Change a price", responses=MISSING | SAME)
def change_price(store: OpenStore, tenant: Tenant, price: str, wanted: PriceWanted) -> PriceAnswer:
    """Replace all of a price. For a new price from some day on, add one instead."""
    _known(store, tenant, price)
    return _put(store, tenant, price, wanted)


@router.delete("/{price}", summary="Remove a price", responses=MISSING)
def remove_price(store: OpenStore, tenant: Tenant, price: str) -> PriceAnswer:
    """Forget a price; costs that followed from it are no longer known, or follow from the one before."""
    known = _known(store, tenant, price)
    store.records.prices.remove(tenant, price)
    return _shown(known)


def _put(store: Store, tenant: str, price: str, wanted: PriceWanted) -> PriceAnswer:
    currency = tenants_of(store).settings(tenant).currency
    if wanted.currency not in (None, currency):
        raise Invalid(
            f"all costs of a tenant are in one currency, here {currency}, not {wanted.currency}: convert the price, or"
            f" change the tenant's setting currency"
        )
    rates = {f"{kind}_rate": _kept(getattr(wanted, f"{kind}_per_million")) for kind in Kinds}
    named = wanted.model_dump(include={"provider", "model", "valid_from", "cached_within_input"})
    row = named | rates | {"reasoning_within_output": wanted.reasoning_within_output}
    row |= {"tenant": tenant, "id": price, "currency": currency}
    store.records.prices.put(row)
    return _shown(row)


def _kept(rate: Decimal | None) -> str | None:
    return None if rate is None else plain(rate)


def _known(store: Store, tenant: str, price: str) -> dict[str, Any]:
    found = store.records.prices.one(tenant, price)
    if found is None:
        raise NotFound(f"there is no price {price[:100]!r}; GET /api/v2/prices lists them")
    return found


def _shown(row: Mapping[str, Any]) -> PriceAnswer:
    usual = counting_of(row["provider"])
    rates = {f"{kind}_per_million": row[f"{kind}_rate"] for kind in Kinds}
    within = {
        name: getattr(usual, name) if row[name] is None else row[name]
        for name in ("cached_within_input", "reasoning_within_output")
    }
    named = {name: row[name] for name in ("id", "provider", "model", "currency")}
    return PriceAnswer(**named, **rates, **within, valid_from=row["valid_from"].astimezone(UTC))
