"""Ages: from which age somebody decides about their own data, by country; below it a guardian does.

Sources: GDPR Article 8(1), and what the member states made of it as the Commission lists it (SWD(2020) 115, page 17),
with the later changes in Slovenia (ZVOP-2, 2023) and Denmark (2024); EEA states and the United Kingdom by their own
laws; United States: COPPA, 16 CFR 312. It is a table of laws, not legal advice: a tenant's `consent_age` wins over it.
"""

from datetime import date

from rollbook.governance.people import Person
from rollbook.governance.tenants import TenantSettings

ELSEWHERE = 13

CONSENT_AGES: dict[str, int] = {
    # European Union
    "AT": 14, "BE": 13, "BG": 14, "CY": 14, "CZ": 15, "DE": 16, "DK": 15, "EE": 13, "ES": 14, "FI": 13, "FR": 15,
    "GR": 15, "HR": 16, "HU": 16, "IE": 16, "IT": 14, "LT": 14, "LU": 16, "LV": 13, "MT": 13, "NL": 16, "PL": 16,
    "PT": 13, "RO": 16, "SE": 13, "SI": 15, "SK": 16,
    # European Economic Area and the United Kingdom
    "GB": 13, "IS": 13, "LI": 16, "NO": 13,
    # COPPA
    "US": 13,
}  # fmt: skip

# other names of the same countries
ALSO = {"EL": "GR", "UK": "GB"}

OLDEST = max(CONSENT_AGES.values())


def consent_age(settings: TenantSettings, country: str = "") -> int:
    """From which age people of a country ("": not known) decide for themselves, in years; 0: at any age."""
    if settings.consent_age is not None:
        return settings.consent_age
    named = (country or settings.country).strip().upper()
    return CONSENT_AGES.get(ALSO.get(named, named), ELSEWHERE)


def is_child(person: Person | None, settings: TenantSettings, day: date) -> bool:
    """Whether a guardian has to decide for them. None: a person of whom nothing is known."""
    limit = consent_age(settings, person.country if person else "")
    age = person.age(day) if person else None
    if age is None:
        return settings.unknown_age == "child" and limit > 0
    return age < limit
