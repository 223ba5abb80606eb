"""The overview page in a real browser, against a real server: what it shows, and that it needs nothing else."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.delivery.browsing import Watched, browser, serving

pytestmark = pytest.mark.service("chromium")

NOW = "2026-03-08T12:00:00Z"
SCHOOL = {"tenant_id": "school", "days": "7", "as_of": NOW}
CHARTS = ["active_users", "events_by_day", "retention_curve", "activity_heatmap", "event_distribution"]

# Ada and Bo first came on Monday 2 March, Cy on Saturday 7 March, Dee on Thursday 26 February and not since.
DAYS = {
    "ada": ["03-02", "03-03", "03-04", "03-08"],
    "bo": ["03-02", "03-05"],
    "cy": ["03-07", "03-08"],
    "dee": ["02-26"],
}
VISITS = [
    {"event_id": f"{user}-{day}", "event_type": "content_view", "user_id": user, "timestamp": f"2026-{day}T10:00:00Z"}
    for user, days in DAYS.items()
    for day in days
]
QUIZ = {"event_id": "quiz", "event_type": "quiz_completion", "user_id": "ada", "timestamp": "2026-03-08T10:30:00Z"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that knows the school."""
    with serving(tmp_path_factory.mktemp("overview")) as client:
        sent = client.post("/api/v2/events", params={"tenant_id": "school"}, json=[*VISITS, QUIZ])
        assert sent.json()["ingested"] == 10
        yield client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as opened:
        yield opened


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A fresh laptop-sized page, west of Greenwich: there a date that is taken for a moment shows as the day before."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", timezone_id="America/Los_Angeles"
    )
    yield Watched.of(context.new_page())
    context.close()


@pytest.fixture
def page(watched: Watched) -> Page:
    """A fresh laptop-sized page."""
    return watched.page


def open_page(page: Page, server: httpx.Client, parameters: dict[str, str]) -> None:
    """Open the overview and wait until it is drawn."""
    page.goto(str(server.build_request("GET", "/", params=parameters).url))
    expect(page.locator("main")).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(page.locator(".panel:not(.nothing) .chart svg")).to_have_count(
        page.locator(".panel:not(.nothing)").count(), timeout=30_000
    )


def figure(page: Page, name: str) -> tuple[str, str]:
    """A headline figure and its note."""
    place = page.locator(f"#{name}")
    return place.locator(".value").inner_text(), place.locator(".note").inner_text()


def marks(page: Page, chart: str, kind: str) -> int:
    """How many bars, cells, lines or texts a chart has."""
    return page.locator(f"#{chart} svg .mark-{kind}.role-mark > *").count()


def test_figures(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    # today Ada and Cy, yesterday Cy; in the 7 days before only Dee's one event
    assert figure(page, "active_today") == ("2", "1 yesterday")
    assert figure(page, "people") == ("3", "+200% vs. prior 7 days")
    assert figure(page, "events") == ("9", "+800% vs. prior 7 days")
    assert figure(page, "retention_7d") == ("75%", "3 of 4 came")
    assert figure(page, "retention_30d") == ("100%", "4 of 4 came")
    assert page.locator("#when").inner_text() == "2 – 8 Mar 2026 · UTC"  # noqa: RUF001


def test_figures_are_the_questions(page: Page, server: httpx.Client) -> None:
    def asked(question: str, **parameters: str) -> list[dict[str, Any]]:
        answer = server.get(f"/api/v2/ask/{question}", params={"tenant_id": "school", "as_of": NOW, **parameters})
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    open_page(page, server, SCHOOL)
    [total] = asked("totals", days="7")
    [retention] = asked("retention", period="7")
    assert figure(page, "people")[0] == str(total["people"])
    assert figure(page, "events")[0] == str(total["events"])
    assert figure(page, "active_today")[0] == str(asked("active_users", days="7")[-1]["dau"])
    assert figure(page, "retention_7d")[0] == f"{retention['retention_rate']:.0%}"


def test_charts_are_drawn(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    assert [chart.get_attribute("id") for chart in page.locator(".panel").all()] == CHARTS
    assert marks(page, "events_by_day", "rect") == 7
    assert marks(page, "activity_heatmap", "rect") == 7 * 24
    assert marks(page, "event_distribution", "rect") == 2
    assert page.locator("#event_distribution svg .mark-text.role-mark > *").all_text_contents() == ["8", "1"]
    # daily, weekly, monthly: each a whole line, and a dashed end for today
    assert marks(page, "active_users", "line") == 6
    assert marks(page, "retention_curve", "line") == 1


def test_charts_say_what_they_show(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    says = {chart: page.locator(f"#{chart} .says").inner_text() for chart in CHARTS}
    # of Ada and Bo both came on the next day or later, only Ada on the fifth or later
    assert says["retention_curve"] == "100% of new people come back the next day or later, 50% after 5 days."
    assert says["event_distribution"] == "89% are content_view; 2 types in all."
    # 2 on Monday, the 2nd; 3 today
    assert says["events_by_day"] == "1.3 a day on average; most on 8 Mar: 3."
    assert says["activity_heatmap"] == "Busiest: Sundays, 10:00 to 11:00."
    for chart in CHARTS:
        drawing = page.locator(f"#{chart} .chart")
        assert drawing.get_attribute("role") == "img"
        assert says[chart] in str(drawing.get_attribute("aria-label"))


def test_each_chart_has_a_table(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    panel = page.locator("#events_by_day")
    expect(panel.locator("table")).to_be_hidden()
    panel.locator("summary").click()
    rows = [row.inner_text().split("\t") for row in panel.locator("tbody tr").all()]
    assert rows == [[f"2026-03-0{day}", events] for day, events in zip(range(2, 9), "2111013", strict=True)]
    for chart in CHARTS:
        assert page.locator(f"#{chart} tbody tr").count() > 0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "parameters", [SCHOOL, {"tenant_id": "nobody"}, {"days": "many"}], ids=["full", "empty", "wrong"]
)
def test_nothing_scrolls_sideways(page: Page, server: httpx.Client, width: int, parameters: dict[str, str]) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(str(server.build_request("GET", "/", params=parameters).url))
    expect(page.locator("main")).not_to_have_attribute("data-state", "loading")
    if parameters is SCHOOL:
        expect(page.locator(".chart svg")).to_have_count(len(CHARTS), timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_charts_follow_the_window(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("[...document.querySelectorAll('.chart svg')].every(svg => svg.clientWidth < 390)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_needs_nobody_else_and_complains_of_nothing(watched: Watched, server: httpx.Client, colours: Any) -> None:
    watched.page.emulate_media(color_scheme=colours)
    open_page(watched.page, server, SCHOOL)
    watched.page.locator("#events_by_day svg .mark-rect.role-mark > *").first.hover()
    expect(watched.page.locator("#vg-tooltip-element")).to_contain_text("Mon 2 Mar 2026")
    assert watched.hosts == {"127.0.0.1"}
    # a breach of the content security policy would stand here, too
    assert watched.said == []


def test_policy_allows_only_our_own_scripts(server: httpx.Client) -> None:
    response = server.get("/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    scripts = re.findall(r"<script[^>]*>", response.text)
    assert scripts
    assert all("src=" in script or 'type="application/json"' in script for script in scripts)
    assert " style=" not in response.text


def test_colours_change_without_reloading(page: Page, server: httpx.Client) -> None:
    bar = "#events_by_day svg .mark-rect.role-mark > *"
    open_page(page, server, SCHOOL)
    light = page.locator(bar).first.get_attribute("fill")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(bar).first).not_to_have_attribute("fill", str(light))


def test_the_shown_command_fills_an_empty_page(page: Page, server: httpx.Client) -> None:
    page.goto(f"{server.base_url}/?tenant_id=it's new")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#content")).to_be_hidden()
    program, address, *options = shlex.split(page.locator("#curl").inner_text().replace("\\\n", " "))
    assert program == "curl"
    given = dict(zip(options[::2], options[1::2], strict=True))
    header, _, value = given["-H"].partition(": ")
    assert server.post(address, content=given["-d"], headers={header: value}).json()["ingested"] == 1
    # the page looks again by itself
    expect(page.locator("#events .value")).to_have_text("1", timeout=30_000)
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#retention_curve .says")).to_contain_text("Nobody came for the first time")


def test_shows_what_happens_as_it_happens(watched: Watched, server: httpx.Client) -> None:
    page = watched.page
    # no clock moves: nothing is asked again, it is sent
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))
    send(server, "live", "first")
    page.goto(f"{server.base_url}/?tenant_id=live&days=7")
    expect(page.locator("#events .value")).to_have_text("1")
    expect(page.locator("#updated")).to_contain_text("as it happens")
    for count in ("2", "3", "4"):
        send(server, "live", count)
        expect(page.locator("#events .value")).to_have_text(count)
    expect(page.locator("#active_today .value")).to_have_text("1")
    assert watched.said == []
    # who does not look is sent nothing; who looks again sees what happened meanwhile
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    send(server, "live", "5")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#events .value")).to_have_text("5")
    expect(page.locator("#updated")).to_contain_text("as it happens")


def test_refreshes_without_drawing_anew(page: Page, server: httpx.Client) -> None:
    page.clock.install()
    page.route("**/api/v2/live/events*", lambda route: route.abort())
    send(server, "busy", "first")
    open_page(page, server, {"tenant_id": "busy", "days": "7"})
    assert figure(page, "events")[0] == "1"
    page.evaluate("document.querySelector('#events_by_day svg').before = 'refresh'")
    send(server, "busy", "second")
    page.clock.fast_forward(31_000)
    expect(page.locator("#events .value")).to_have_text("2")
    expect(page.locator("#events_by_day tbody tr").last).to_contain_text("2")
    assert page.evaluate("document.querySelector('#events_by_day svg').before") == "refresh"


def test_keeps_what_it_shows_while_the_server_is_away(page: Page, server: httpx.Client) -> None:
    page.clock.install()
    page.route("**/api/v2/live/events*", lambda route: route.abort())
    send(server, "lonely", "only")
    open_page(page, server, {"tenant_id": "lonely"})
    page.route("**/overview.json*", lambda route: route.abort())
    page.clock.fast_forward(31_000)
    expect(page.locator("#notice")).to_contain_text("does not answer")
    assert figure(page, "events")[0] == "1"
    page.unroute("**/overview.json*")
    page.clock.fast_forward(31_000)
    expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize("wrong", [{"days": "many"}, {"days": "0"}, {"as_of": "yesterday"}, {"as_of": "0001-01-01"}])
def test_says_what_is_wrong(page: Page, server: httpx.Client, wrong: dict[str, str]) -> None:
    [name] = wrong
    assert server.get("/overview.json", params=wrong).status_code == 422
    page.goto(str(server.build_request("GET", "/", params=wrong).url))
    expect(page.locator("#failed")).to_be_visible()
    expect(page.locator("#reason")).to_contain_text(f"parameter {name}")


def test_range_and_tenant_are_plain_links_and_a_form(page: Page, server: httpx.Client) -> None:
    open_page(page, server, SCHOOL)
    assert page.locator(".ranges [aria-current]").inner_text() == "7 days"
    page.get_by_role("link", name="30 days").click()
    # with 30 days Dee's day counts too
    expect(page.locator("#events .value")).to_have_text("10")
    page.locator(".menu summary").click()
    page.get_by_label("As of").fill("2026-03-04T12:00")
    page.get_by_role("button", name="Show").click()
    # Ada on three days, Bo on one, Dee on one
    expect(page.locator("#events .value")).to_have_text("5")
    assert page.locator(".ranges [aria-current]").inner_text() == "30 days"


def test_a_range_without_events_names_the_last_day(page: Page, server: httpx.Client) -> None:
    open_page(page, server, {"tenant_id": "school", "days": "7", "as_of": "2026-06-01T00:00:00Z"})
    expect(page.locator("#when")).to_contain_text("the last was on 2026-03-08")
    expect(page.locator(".panel.nothing")).to_have_count(len(CHARTS))


def send(server: httpx.Client, tenant: str, event: str) -> None:
    """One event, now."""
    body = {
        "event_id": event,
        "event_type": "content_view",
        "user_id": "ada",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    assert server.post("/api/v2/events", params={"tenant_id": tenant}, json=body).json()["ingested"] == 1
