"""Ages: from when somebody decides for themselves."""

from datetime import date

import pytest

from rollbook.governance.ages import CONSENT_AGES, consent_age, is_child
from rollbook.governance.people import Person
from rollbook.governance.tenants import TenantSettings

DAY = date(2026, 3, 2)
EUROPEAN_UNION = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
}


def person(born: date | None = None, country: str = "", year: int | None = None) -> Person:
    """Somebody."""
    return Person("p", born, year, country, None)


def test_every_member_state_is_in_the_table_within_the_bounds_of_article_8() -> None:
    assert len(EUROPEAN_UNION) == 27
    assert all(13 <= CONSENT_AGES[state] <= 16 for state in EUROPEAN_UNION)


@pytest.mark.parametrize(
    ("country", "age"),
    [("DE", 16), ("fr", 15), ("AT", 14), ("SE", 13), ("US", 13), ("UK", 13), ("EL", 15), ("BR", 13), ("", 13)],
)
def test_the_age_goes_by_the_country(country: str, age: int) -> None:
    assert consent_age(TenantSettings(), country) == age


def test_a_tenant_decides_for_those_without_a_country_and_over_the_table() -> None:
    assert consent_age(TenantSettings(country="NL")) == 16
    assert consent_age(TenantSettings(country="NL"), "SE") == 13
    assert consent_age(TenantSettings(country="NL", consent_age=14), "SE") == 14


def test_a_child_grows_up_on_a_birthday() -> None:
    german = TenantSettings(country="DE")
    assert is_child(person(date(2010, 3, 3)), german, DAY)
    assert not is_child(person(date(2010, 3, 2)), german, DAY)


def test_of_whom_only_the_year_is_known_is_taken_as_born_on_its_last_day() -> None:
    assert is_child(person(year=2013), TenantSettings(), DAY)
    assert not is_child(person(year=2012), TenantSettings(), DAY)


def test_a_person_of_unknown_age_is_what_the_tenant_says() -> None:
    assert not is_child(None, TenantSettings(), DAY)
    assert not is_child(person(), TenantSettings(), DAY)
    assert is_child(None, TenantSettings(unknown_age="child"), DAY)
    assert is_child(person(), TenantSettings(unknown_age="child"), DAY)
    assert not is_child(None, TenantSettings(unknown_age="child", consent_age=0), DAY)
