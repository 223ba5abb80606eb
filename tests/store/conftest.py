"""What the tests of the store share."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rollbook.settings import Settings, load
from tests.services import postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of the whole test run."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty database for records: every test that takes it runs over both kinds."""
    if request.param == "sqlite":
        return load(data=tmp_path)
    url = request.getfixturevalue("postgresql_url")
    name = f"records_{abs(hash(tmp_path))}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    return load(data=tmp_path, database_url=url.removesuffix("postgres") + name)
