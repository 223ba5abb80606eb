"""Messages: what clients say on a live connection, and what they are told. `docs/guides/live.md` is the promise."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from rollbook.analyses.arrivals import LONGEST_POSITION
from rollbook.analyses.question import UserId
from rollbook.errors import Invalid, RollbookError
from rollbook.governance.granted import MOST_TENANT_CHARACTERS

LONGEST_MESSAGE = 64 << 10
MOST_NAMED = 100

Name = Annotated[str, Field(min_length=1, max_length=64)]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=MOST_NAMED)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EventFilter(_Said):
    """Which events; what is left out stands for all."""

    types: Names = []
    courses: Names = []
    users: Annotated[list[UserId], Field(max_length=MOST_NAMED)] = []


class Subscribe(_Said):
    """Watch one thing: a question, an event stream, a metric, or the overview page. `id` is chosen by the client."""

    type: Literal["subscribe"] = "subscribe"
    id: Name
    question: Annotated[str, Field(max_length=100)] | None = None
    parameters: dict[str, Any] = {}
    events: EventFilter | None = None
    metric: dict[str, Any] | None = None
    overview: dict[str, Any] | None = None
    resume: Annotated[str, Field(max_length=LONGEST_POSITION)] | None = None
    tenant_id: Annotated[str, Field(max_length=MOST_TENANT_CHARACTERS)] = ""

    @model_validator(mode="after")
    def _one(self) -> "Subscribe":
        kinds = [name for name in KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"name one of {', '.join(KINDS)}, not {' and '.join(kinds) or 'none'}")
        if self.parameters and self.question is None:
            raise ValueError("parameters are a question's")
        if self.resume is not None and self.events is None:
            raise ValueError("resume is for events; answers are sent whole")
        return self


class Unsubscribe(_Said):
    """Watch it no longer."""

    type: Literal["unsubscribe"]
    id: Name


class Ping(_Said):
    """Say that you are there."""

    type: Literal["ping"]


KINDS = ("question", "events", "metric", "overview")
_SAID: TypeAdapter[Subscribe | Unsubscribe | Ping] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe | Ping, Field(discriminator="type")]
)


def said(text: str | bytes) -> Subscribe | Unsubscribe | Ping:
    """A message of a client. Raises Invalid with what is wrong."""
    if len(text) > LONGEST_MESSAGE:
        raise Invalid(f"a message has at most {LONGEST_MESSAGE} bytes")
    try:
        return _SAID.validate_json(text)
    except ValidationError as error:
        raise Invalid(_explained(error)) from error
    except RecursionError as error:
        raise Invalid("the message is nested too deeply") from error


def subscribed(wish: Mapping[str, Any] | str) -> Subscribe:
    """A subscription that is no message. Raises Invalid with what is wrong."""
    try:
        if isinstance(wish, str):
            return Subscribe.model_validate_json(wish)
        return Subscribe.model_validate(wish)
    except ValidationError as error:
        raise Invalid(_explained(error)) from error


def told(type: str, id: str | None = None, **more: Any) -> bytes:
    """A message to a client."""
    named = {"type": type} | ({"id": id} if id is not None else {})
    return msgspec.json.encode(named | more)


def wrong(error: RollbookError, id: str | None = None) -> bytes:
    """What was refused, and why, with the status that HTTP would have answered."""
    return told("error", id, status=error.status, **error.body())


def head(type: str, id: str, seq: int) -> bytes:
    """How a message begins whose content (`"name":value,…}`) is the same for many clients."""
    return b'{"type":"%s","id":%s,"seq":%d,' % (type.encode(), json.dumps(id).encode(), seq)


def id_of(text: str | bytes) -> str | None:
    """The id in a message that is wrong otherwise, so that the client knows which."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    id = found.get("id") if isinstance(found, dict) else None
    return id[:64] if isinstance(id, str) else None


def _explained(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'message'}: {p['msg']}" for p in problems[:5])
