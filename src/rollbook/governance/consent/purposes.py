"""Purposes: what people's events are used for, on what lawful basis, and whether without a decision."""

from dataclasses import dataclass
from typing import Literal, get_args

from rollbook.errors import Invalid
from rollbook.governance.tenants import TenantSettings

Purpose = Literal["analytics", "prediction", "text", "sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

Basis = Literal["legitimate interests", "consent"]


@dataclass(frozen=True, slots=True)
class Described:
    """`basis`: GDPR Article 6(1) (f) or (a). `holds`: whether it is allowed of those who have not decided."""

    purpose: Purpose
    basis: Basis
    holds: bool
    why: str


TABLE: dict[Purpose, Described] = {
    one.purpose: one
    for one in (
        Described(
            "analytics",
            "legitimate interests",
            True,
            "events are kept, counted and shown to those who teach; without it nothing of a person is taken",
        ),
        Described(
            "prediction",
            "legitimate interests",
            True,
            "events train models, and people are told how they are likely to go on",
        ),
        Described(
            "text",
            "legitimate interests",
            True,
            "what people write to an AI, and what it answers, is kept for some days; tenants that are created begin"
            " without",
        ),
        Described("sharing", "consent", False, "events go to others outside the tenant: sinks, research, vendors"),
    )
}


def purposes(settings: TenantSettings) -> tuple[Described, ...]:
    """The purposes of a tenant. One that holds by the tenant's own setting without a decision rests on no consent."""
    found = []
    for one in TABLE.values():
        holds = settings.purposes.get(one.purpose, one.holds)
        basis: Basis = "legitimate interests" if holds else "consent"
        found.append(Described(one.purpose, basis, holds, one.why))
    return tuple(found)


def holds(settings: TenantSettings, purpose: Purpose) -> bool:
    """Whether a purpose is allowed of those who have not decided."""
    return settings.purposes.get(purpose, TABLE[purpose].holds)


def purpose_of(name: str) -> Purpose:
    """The purpose of that name. Raises Invalid."""
    found = next((one for one in PURPOSES if one == name), None)
    if found is None:
        raise Invalid(f"no purpose {name!r}; there are: {', '.join(PURPOSES)}")
    return found
