"""Keeping segments: definitions under a name, a tenant's own, in the records."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollbook.analyses.question import SegmentId
from rollbook.analyses.segments.conditions import Condition, limited
from rollbook.errors import Conflict, Forbidden, NotFound
from rollbook.governance.grants import Grant
from rollbook.store import Store

MOST_SEGMENTS = 1_000


class Wanted(BaseModel):
    """A segment to keep."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", max_length=200, description="What it is called where people read it.")
    condition: Annotated[Condition, AfterValidator(limited)]


class Segment(BaseModel):
    """A segment as it is kept."""

    id: SegmentId
    title: str
    condition: Condition
    made_by: str = Field(description="Whoever put it first.")
    created: datetime
    changed: datetime


def listed(store: Store, tenant: str) -> list[Segment]:
    """A tenant's segments, by id."""
    return [Segment.model_validate(row) for row in store.records.segments.of(tenant)]


def kept(store: Store, tenant: str, segment: str) -> Segment:
    """One segment. Raises NotFound with those there are."""
    found = store.records.segments.one(tenant, segment)
    if found is None:
        names = ", ".join(row["id"] for row in store.records.segments.of(tenant)) or "none yet"
        raise NotFound(f"no segment {segment!r}; there are: {names}")
    return Segment.model_validate(found)


def put(store: Store, grant: Grant, segment: str, wanted: Wanted) -> Segment:
    """Keep a segment under a name, in place of what was there. Raises Forbidden for somebody else's, Conflict."""
    before = store.records.segments.one(grant.tenant, segment)
    if before is not None:
        _check_own(grant, before["made_by"], segment)
    elif store.records.segments.count(grant.tenant) >= MOST_SEGMENTS:
        raise Conflict(f"there are {MOST_SEGMENTS} segments already; delete one first")
    now = datetime.now(UTC)
    definition = wanted.condition.model_dump(mode="json", by_alias=True, exclude_none=True)
    row = {"tenant": grant.tenant, "id": segment, "title": wanted.title, "condition": definition, "changed": now}
    row |= {"made_by": _who(grant), "created": now} if before is None else {}
    store.records.segments.put(row if before is None else before | row)
    return kept(store, grant.tenant, segment)


def delete(store: Store, grant: Grant, segment: str) -> Segment:
    """Forget a segment. Raises NotFound, Forbidden for somebody else's."""
    found = kept(store, grant.tenant, segment)
    _check_own(grant, found.made_by, segment)
    store.records.segments.delete(grant.tenant, segment)
    return found


def _check_own(grant: Grant, maker: str, segment: str) -> None:
    """Who sees a part of the tenant only changes their own."""
    part = grant.cells or grant.courses is not None or grant.users is not None
    if part and maker != _who(grant):
        raise Forbidden(f"segment {segment!r} is somebody else's; keep yours under another name")


def _who(grant: Grant) -> str:
    return (grant.caller.subject or grant.caller.credential) if grant.caller else ""
