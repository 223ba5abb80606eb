"""Wishes: what a request asks for beyond its kind, checked before it is kept."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rollbook.errors import Invalid
from rollbook.governance.consent import PURPOSES, Purpose

MOST_EVENTS = 1_000


class EventCorrection(BaseModel):
    """What is right of one event; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    event_id: Annotated[str, Field(min_length=1)]
    score: Annotated[float, Field(ge=0, le=100)] | None = None
    duration: Annotated[float, Field(ge=0)] | None = None
    properties: dict[str, Any] = Field({}, description="Properties to set; null takes one out.")


class PersonCorrection(BaseModel):
    """What is right of the person; what is not named stays, null takes it out."""

    model_config = ConfigDict(extra="forbid")

    birth_date: date | None = None
    birth_year: int | None = Field(None, ge=1900, le=2100)
    country: Annotated[str, Field(max_length=2)] = ""
    postsecondary_from: date | None = None


class Corrections(BaseModel):
    """What is to be rectified."""

    model_config = ConfigDict(extra="forbid")

    traits: dict[str, Any] = Field({}, description="Traits of the learner to set; null takes one out.")
    person: PersonCorrection | None = None
    events: Annotated[list[EventCorrection], Field(max_length=MOST_EVENTS)] = []


class Restriction(BaseModel):
    """Whether to restrict, or to lift it."""

    model_config = ConfigDict(extra="forbid")

    on: bool = True
    why: Annotated[str, Field(max_length=1_000)] = ""


class Objection(BaseModel):
    """To which purposes somebody objects."""

    model_config = ConfigDict(extra="forbid")

    purposes: tuple[Purpose, ...] = PURPOSES
    why: Annotated[str, Field(max_length=1_000)] = ""


FORMS: dict[str, type[BaseModel]] = {
    "rectification": Corrections,
    "restriction": Restriction,
    "objection": Objection,
}


def checked(kind: str, wishes: dict[str, Any]) -> dict[str, Any]:
    """The wishes of a request as JSON, only what was said. Raises Invalid, naming what does not fit."""
    form = FORMS.get(kind)
    if form is None:
        if wishes:
            raise Invalid(f"a request for {kind} takes nothing but the user; leave out {', '.join(sorted(wishes))}")
        return {}
    try:
        found = form.model_validate(wishes).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise Invalid("; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())) from error
    if kind == "rectification" and not any(found.values()):
        raise Invalid("say what is right: traits, person or events")
    return found
