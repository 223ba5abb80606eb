"""What pages load: kept by browsers for as long as it is the same, and made from installed packages only."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rollbook.delivery import assets
from tests.delivery.serving import serve


@pytest.fixture(scope="module")
def client() -> TestClient:
    """The pages' own routes; what pages load needs no store."""
    return serve(None)


@pytest.mark.parametrize("name", ["page.css", "overview.js", "drawing.js", "icon.svg", assets.VEGA])
def test_kept_by_browsers(client: TestClient, name: str) -> None:
    first = client.get(assets.address(name))
    assert first.status_code == 200
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(assets.address(name), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(assets.address(name), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


def test_charts_code_interprets_expressions(client: TestClient) -> None:
    code = client.get(assets.address(assets.VEGA)).text
    assert "vegaEmbed" in code
    # without it a chart would need scripts that compile text, which the pages' policy forbids
    assert "expressionInterpreter" in code


def test_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = assets.asset(assets.VEGA_VERSION, assets.VEGA)
    monkeypatch.setattr(assets, "_BUILD", "raise SystemExit(1)")
    assert assets.asset(assets.VEGA_VERSION, assets.VEGA) is first


@pytest.mark.parametrize("path", ["/static/0/page.css", "/static/0/vega.js", "/static/0/..%2Fpages.py", "/static/x/y"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


def test_page_names_only_files_there_are(client: TestClient) -> None:
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)
    assert len(named) >= 4
    assert [client.get(path).status_code for path in named] == [200] * len(named)


def test_every_file_of_the_folder_is_served() -> None:
    folder = Path(assets.__file__).parent / "static"
    for file in folder.iterdir():
        version = assets.address(file.name).split("/")[2]
        assert gzip.decompress(assets.asset(version, file.name).zipped) == file.read_bytes()
