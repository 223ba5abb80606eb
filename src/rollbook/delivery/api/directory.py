"""The directory over HTTP: put names, look one up, look up those of a course. Every look-up is written down first."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.errors import Invalid, NotFound
from rollbook.governance.audit import Line
from rollbook.governance.directory import Directory, in_course, may_see
from rollbook.governance.granted import Calling, Granted, Tenant
from rollbook.governance.grants import Grant
from rollbook.governance.pseudonyms import known_as

router = APIRouter(prefix="/api/v2", tags=["directory"], responses=REFUSALS)

OFF: dict[int | str, dict[str, Any]] = {409: {"model": Refused, "description": "The tenant keeps no directory."}}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No entry that you may see."}}

MOST_ENTRIES = 10_000
MOST_MORE = 20
MOST_CHARACTERS = 1_000

Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class DirectoryEntry(BaseModel):
    """Who a user is. Other fields than these are kept, too; they are texts."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Text]

    user_id: str = Field(min_length=1, max_length=256, description="As in events, or its pseudonym.")
    name: Text = Field(description="The name as it is shown.")


class DirectoryAnswer(DirectoryEntry):
    """Who a user is."""

    user_id: str = Field(description="As it is stored.")


class DirectoryPut(BaseModel):
    """What became of the entries."""

    entries: int = Field(description="How many are kept, new or replaced.")


@router.put("/directory", summary="Put names into the directory", responses=OFF)
def put_directory(store: OpenStore, tenant: Tenant, entries: list[DirectoryEntry]) -> DirectoryPut:
    """Keep names, sealed under the tenant's key; an entry replaces the one that was there."""
    if len(entries) > MOST_ENTRIES:
        raise Invalid(f"{len(entries)} entries, and a call takes {MOST_ENTRIES}; send them in parts")
    told = {}
    for entry in entries:
        more = entry.__pydantic_extra__ or {}
        if len(more) > MOST_MORE:
            raise Invalid(f"an entry may hold {MOST_MORE} fields besides user_id and name, not {len(more)}")
        told[entry.user_id] = {"name": entry.name} | more
    return DirectoryPut(entries=Directory(store, tenant).put(told))


@router.get("/directory", summary="The names of those in a course", responses=OFF | MISSING)
def list_directory(
    request: Request,
    store: OpenStore,
    grant: Granted,
    course_id: Annotated[str, Query(max_length=256, description="Who is in this course today.")],
) -> dict[str, list[DirectoryAnswer]]:
    """Names by user id; who has no entry is left out. The trail gets a line for each of them."""
    users = in_course(store, grant, course_id)
    found = Directory(store, grant.tenant).of(users)
    _note(request, grant, "GET /api/v2/directory", sorted(found))
    return {"directory": [_answer(user, found[user]) for user in sorted(found)]}


@router.get("/directory/{user_id:path}", summary="Who a user is", responses=OFF | MISSING)
def show_directory(request: Request, store: OpenStore, grant: Granted, user_id: str) -> DirectoryAnswer:
    """The name behind a user id or a pseudonym. The trail gets a line."""
    user = known_as(store, grant.tenant, user_id)
    found = Directory(store, grant.tenant).of([user]) if may_see(store, grant, user) else {}
    _note(request, grant, "GET /api/v2/directory/{user_id}", [user])
    if user not in found:
        raise NotFound("the directory has no entry of this user that you may see")
    return _answer(user, found[user])


@router.delete("/directory/{user_id:path}", summary="Take a user out of the directory", responses=OFF | MISSING)
def remove_directory(store: OpenStore, caller: Calling, tenant: Tenant, user_id: str) -> DirectoryPut:
    """Forget who a user is; their events stay."""
    removed = Directory(store, tenant).remove([known_as(store, tenant, user_id)])
    if not removed:
        raise NotFound("the directory has no entry of this user")
    return DirectoryPut(entries=0)


def _note(request: Request, grant: Grant, what: str, users: list[str]) -> None:
    """Write down whose names are looked up, before anybody sees them. Raises Unavailable."""
    caller = grant.caller
    actor, credential = (caller.subject or caller.credential, caller.credential) if caller else ("", "")
    guards = getattr(request.app.state, "guards", None)
    address = guards.address(request.scope) if guards else ""
    line = Line(grant.tenant, "directory", what, actor=actor, credential=credential, address=address)
    lines = [replace(line, person=user) for user in users]
    if lines:
        request.app.state.trail.note_now(*lines)


def _answer(user: str, entry: Any) -> DirectoryAnswer:
    return DirectoryAnswer(user_id=user, **{name: value for name, value in entry.items() if name != "user_id"})
