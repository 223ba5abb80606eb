"""Tenants: what each may set for itself, and how they come to be."""

import re
import threading
from collections.abc import Mapping
from datetime import date, time
from time import monotonic
from typing import Annotated, Any, Literal, Self
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from rollbook.errors import Conflict, Invalid
from rollbook.store import Store, events

AT_MOST_SECONDS_OLD = 0.5
TENANT_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)

Short = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Purposes = dict[Literal["analytics", "prediction", "text", "sharing"], bool]


class Issuer(BaseModel):
    """Who may sign tokens for a tenant: its keys, and the roles that it may give."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="The tokens' `iss`.")
    jwks_url: str = Field(description="Where its public keys are (https).")
    audience: str = Field(description="The tokens' `aud`.")
    roles: tuple[str, ...] = Field(("learner",), description="Roles that its tokens may carry.")


class BusinessHours(BaseModel):
    """When a tenant works: on these days of the week (1 is Monday), from `begins` until just before `ends`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    begins: time = time(8)
    ends: time = time(18)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins.tzinfo or self.ends.tzinfo or self.ends <= self.begins:
            raise ValueError("`begins` is before `ends`, both on the clocks of the tenant's zone, as 08:00")
        return self


class TenantSettings(BaseModel):
    """The settings of one tenant. What is not set follows the process's settings, or these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # people
    pseudonyms: bool = Field(False, description="User ids are replaced at the way in (`p1_…`).")
    directory: bool = Field(False, description="Names are kept sealed, for those who may see them.")
    directory_information: tuple[str, ...] = Field((), description="FERPA directory information: traits shown freely.")
    # what comes in
    server_only_types: tuple[str, ...] = Field(
        ("quiz_completion", "course_complete", "grade", "xp_gained", "achievement_unlocked"),
        description="Event types that a learner's own token may not send.",
    )
    scrub: bool = Field(False, description="E-mail addresses, phone numbers and names are taken out of properties.")
    scrub_allow: dict[str, tuple[str, ...]] = Field(
        {}, description="Properties that are left alone, by event type (`*`: every type)."
    )
    event_checks: Literal["off", "lenient", "strict"] = Field(
        "lenient", description="What becomes of events that break their definition: nothing, marked, or refused."
    )
    refuse_unknown_types: bool = Field(
        False, description="Where there are definitions, types without one are refused (unless `event_checks` is off)."
    )
    enrichers: tuple[Literal["time", "learner", "system", "business"], ...] = Field(
        (), description="What is added to events under `context`; nothing, unless named."
    )
    business_hours: BusinessHours = BusinessHours()
    holidays: Annotated[tuple[date, ...], Field(max_length=1_000)] = Field(
        (), description="Days without business hours."
    )
    feature_flags: Annotated[dict[Short, bool | int | Finite | Short], Field(max_length=100)] = Field(
        {}, description="Flags that enriched events carry."
    )
    # access
    issuers: tuple[Issuer, ...] = ()
    # consent
    purposes: Purposes = Field({}, description="Purposes and whether they hold without a decision (the default).")
    consent_age: Annotated[int, Field(ge=0, le=21)] | None = Field(None, description="None: by country.")
    country: str = Field("", description="ISO 3166 country of those whose own is not known.")
    unknown_age: Literal["adult", "child"] = Field("adult", description="COPPA: how someone of unknown age is treated.")
    text_days: Annotated[int, Field(ge=1)] = Field(30, description="Days that the text of AI messages is kept.")
    # small cells
    smallest_cell: Annotated[int, Field(ge=1, le=1000)] = Field(5, description="Smaller groups are withheld.")
    perturbation: bool = Field(False, description="Analysts' counts are perturbed (cell keys).")
    # money, and comparing with others
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field("USD", description="ISO 4217, of all its costs.")
    share_benchmarks: bool = Field(False, description="Its rates may be part of what other tenants are compared with.")
    # lifecycle
    event_days: Annotated[int, Field(ge=1)] | None = Field(None, description="Days raw events are kept.")
    rollup_days: Annotated[int, Field(ge=1)] | None = Field(None, description="Days rollups are kept.")
    archive_days: Annotated[int, Field(ge=1)] | None = Field(None, description="Days archives are kept.")
    anonymise_days: Annotated[int, Field(ge=1)] | None = Field(None, description="Days until users are unlinked.")


class Tenants:
    """The tenants' settings, at most half a second old, also where another process changed them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records = store.records
        self._known: dict[str, tuple[float, TenantSettings]] = {}
        self._changing = threading.Lock()

    def settings(self, tenant: str) -> TenantSettings:
        """A tenant's settings; the defaults for one that has no record. Raises Unavailable."""
        found = self._known.get(tenant)
        now = monotonic()
        if found is None or now - found[0] > AT_MOST_SECONDS_OLD:
            record = self._records.tenant(tenant)
            found = (now, TenantSettings.model_validate((record or {}).get("settings") or {}))
            self._known[tenant] = found
        return found[1]

    def create(self, tenant: str, name: str = "", *, timezone: str | None = None, **settings: Any) -> TenantSettings:
        """Make a tenant; user ids become pseudonyms unless `pseudonyms=False`. Raises Conflict if there is one.

        What people write to an AI is not kept of those who have not consented to it.
        """
        if not TENANT_ID.fullmatch(tenant):
            raise Invalid(f"tenant {tenant!r}: name it with 1 to 64 letters, digits, dots, dashes and underscores")
        checked = _checked(
            {"pseudonyms": True, "purposes": {"text": False}}
            | {name: value for name, value in settings.items() if value is not None}
        )
        with self._changing:
            self._records.make_tenant(tenant, name=name, timezone=timezone, settings=_as_kept(checked))
            self._known[tenant] = (monotonic(), checked)
        return checked

    def change(self, tenant: str, **changes: Any) -> TenantSettings:
        """Change some settings; None takes one back to its default. Raises Invalid, naming what is wrong.

        Raises Conflict for `pseudonyms` of a tenant that has users: they are stored the other way.
        """
        with self._changing:
            record = self._records.tenant(tenant)
            before = (record or {}).get("settings") or {}
            checked = _checked(dict(before) | changes)
            if checked.pseudonyms != _checked(before).pseudonyms and self._has_users(tenant):
                raise Conflict(f"pseudonyms: tenant {tenant} has users already; choose when the tenant is made")
            self._records.put_settings(tenant, _as_kept(checked))
            self._known[tenant] = (monotonic(), checked)
        return checked

    def _has_users(self, tenant: str) -> bool:
        return self._records.people.anybody(tenant) or events.any_of(self._store.engine, tenant)


def _checked(settings: Mapping[str, Any]) -> TenantSettings:
    try:
        return TenantSettings.model_validate({name: value for name, value in settings.items() if value is not None})
    except ValidationError as error:
        places = (("settings." + ".".join(map(str, problem["loc"])), problem["msg"]) for problem in error.errors())
        raise Invalid("; ".join(f"{place}: {what}" for place, what in places)) from error


def _as_kept(settings: TenantSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude_unset=True)


_of: WeakKeyDictionary[Store, Tenants] = WeakKeyDictionary()


def tenants_of(store: Store) -> Tenants:
    """The tenants of a store; all who ask share one, so that a change is seen by all of the process at once."""
    found = _of.get(store)
    if found is None:
        found = _of.setdefault(store, Tenants(store))
    return found
