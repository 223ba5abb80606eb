"""The pages of the API's documentation, in a real browser without a network."""

from pathlib import Path

import pytest

from tests.delivery.browsing import Watched, browser, serving


@pytest.mark.service("chromium")
def test_a_route_can_be_tried_out_without_a_network(tmp_path: Path) -> None:
    with serving(tmp_path) as server, browser() as chromium:
        watched = Watched.of(chromium.new_page())
        page = watched.page
        page.goto(f"{server.base_url}/api/analytics/docs")
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() == len(
            [1 for path in server.get("/api/analytics/openapi.json").json()["paths"].values() for _ in path]
        )
        page.goto(f"{server.base_url}/docs")
        page.locator(".opblock", has_text="/retention").first.click()
        page.get_by_text("Try it out").click()
        page.get_by_role("button", name="Execute").click()
        answer = page.locator(".live-responses-table")
        answer.wait_for()
        assert '"cohort_size": 0' in answer.inner_text()
        assert watched.said == []
        assert watched.hosts <= {"127.0.0.1", ""}
