"""Signing in, in a real browser against a real server: with a key, at a provider; and signing out."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.certificates import signed
from tests.cli.terminal import serving
from tests.delivery import provider
from tests.delivery.browsing import Watched, browser
from tests.delivery.signing_in import School, school

pytestmark = pytest.mark.service("chromium")

COOKIE = "rollbook_session"


@pytest.fixture(scope="module")
def idp() -> Iterator[provider.Provider]:
    """A provider that vouches for Ada, of the staff."""
    with provider.running() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, idp: provider.Provider) -> Iterator[School]:
    """A server with keys and the provider."""
    more = idp.settings() | {"ROLLBOOK_OIDC_TENANT": "school", "ROLLBOOK_OIDC_ROLES": "staff=admin,*=learner"}
    with school(tmp_path_factory.mktemp("school"), **more) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as opened:
        yield opened


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """A fresh laptop-sized page, without cookies."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    yield Watched.of(context.new_page())
    context.close()


@pytest.fixture
def page(watched: Watched) -> Page:
    """A fresh page."""
    return watched.page


def sign_in(page: Page, key: str) -> None:
    """Type a key and press the button."""
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def session_of(page: Page) -> dict[str, str]:
    """The session's cookie, to be sent by somebody else."""
    return {str(one["name"]): str(one["value"]) for one in page.context.cookies() if COOKIE in str(one["name"])}


def drawn(page: Page) -> None:
    """Wait until the overview is drawn."""
    expect(page.locator("main")).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(page.locator("#events_by_day .chart svg")).to_be_visible(timeout=30_000)


def test_with_a_key_in_and_out_again(watched: Watched, server: School) -> None:
    page = watched.page
    page.goto(f"{server.address}/?days=7")
    expect(page).to_have_url(f"{server.address}/sign-in?next=/%3Fdays%3D7")
    sign_in(page, server.keys["read"])
    drawn(page)
    expect(page).to_have_url(f"{server.address}/?days=7")
    expect(page.locator("#events .value")).to_have_text("1")
    expect(page.locator(".who")).to_contain_text(f"key {server.key_ids['read']}")
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (COOKIE, True, "Lax", "/")
    session = session_of(page)
    assert httpx.get(f"{server.address}/overview.json", cookies=session).status_code == 200
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{server.address}/sign-in")
    assert page.context.cookies() == []
    assert httpx.get(f"{server.address}/overview.json", cookies=session).status_code == 401
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert watched.hosts == {"127.0.0.1"}
    assert watched.said == []


def test_a_wrong_key_is_told(page: Page, server: School) -> None:
    page.goto(f"{server.address}/sign-in")
    sign_in(page, "rbk_0123456789ab_" + "x" * 43)
    expect(page.get_by_role("alert")).to_contain_text("this key is not good")
    assert page.context.cookies() == []
    sign_in(page, server.keys["admin"])
    drawn(page)


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/sign-in"])
def test_nobody_is_led_elsewhere(page: Page, server: School, wanted: str) -> None:
    page.goto(str(httpx.URL(f"{server.address}/sign-in", params={"next": wanted})))
    sign_in(page, server.keys["read"])
    expect(page).to_have_url(f"{server.address}/")


def test_what_may_only_send_cannot_sign_in(page: Page, server: School) -> None:
    page.goto(f"{server.address}/sign-in")
    sign_in(page, server.keys["ingest"])
    expect(page.get_by_role("alert")).to_contain_text("take a key with the role read or admin")
    assert page.context.cookies() == []


def test_at_a_provider(watched: Watched, server: School, idp: provider.Provider) -> None:
    page, idp.claims = watched.page, dict(provider.ADA)
    page.goto(f"{server.address}/?days=90")
    page.get_by_role("link", name="Continue with 127.0.0.1").click()
    drawn(page)
    expect(page).to_have_url(f"{server.address}/?days=90")
    expect(page.locator(".who")).to_contain_text("Ada Lovelace")
    assert set(session_of(page)) == {COOKIE}
    assert len(page.context.cookies()) == 1
    assert idp.asked[-1]["redirect_uri"] == f"{server.address}/sign-in/callback"
    assert watched.said == []


def test_a_role_that_may_not_see_the_page_is_told_so(page: Page, server: School, idp: provider.Provider) -> None:
    idp.claims = {"sub": "bo", "name": "Bo <b>", "roles": []}
    page.goto(f"{server.address}/")
    page.get_by_role("link", name="Continue with").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.locator("main")).to_contain_text("As Bo <b>: learner of tenant school")
    expect(page.get_by_role("alert")).to_contain_text("is for other roles")
    own = httpx.get(f"{server.address}/metrics/bo", cookies=session_of(page))
    other = httpx.get(f"{server.address}/metrics/ada", cookies=session_of(page))
    assert (own.status_code, other.status_code) == (200, 403)


def test_a_callback_that_nobody_asked_for(page: Page, server: School, idp: provider.Provider) -> None:
    page.goto(f"{server.address}/sign-in/callback?code=stolen&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("start again")
    assert session_of(page) == {}


def test_an_answer_to_somebody_elses_attempt_signs_nobody_in(server: School, idp: provider.Provider) -> None:
    idp.claims = dict(provider.ADA)
    with server.client() as mallory, server.client() as ada:
        begun = [httpx.get(one.get("/sign-in/oidc").headers["location"], trust_env=False) for one in (mallory, ada)]
        theirs, own = (answer.headers["location"] for answer in begun)
        refused = ada.get(theirs)
        assert (refused.status_code, COOKIE in ada.cookies) == (401, False)
        assert "another attempt" in refused.text
        # that was ours, and over: a second attempt with the same cookie is none
        assert ada.get(own).status_code == 401
        assert (mallory.get(theirs).status_code, COOKIE in mallory.cookies) == (303, True)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
def test_other_sites_sign_nobody_in_or_out(page: Page, server: School, headers: dict[str, str]) -> None:
    form = {"key": server.keys["admin"]}
    refused = httpx.post(f"{server.address}/sign-in", data=form, headers=headers)
    assert (refused.status_code, refused.headers.get("set-cookie")) == (403, None)
    page.goto(f"{server.address}/sign-in")
    sign_in(page, server.keys["admin"])
    drawn(page)
    session = session_of(page)
    assert httpx.post(f"{server.address}/sign-out", cookies=session, headers=headers).status_code == 403
    event = {"event_type": "seen", "user_id": "ada"}
    sent = httpx.post(f"{server.address}/api/v2/events", json=event, cookies=session, headers=headers)
    assert sent.status_code == 403
    assert httpx.get(f"{server.address}/overview.json", cookies=session).status_code == 200


def test_a_session_ends_with_its_key(page: Page, tmp_path_factory: pytest.TempPathFactory, server: School) -> None:
    with server.client("admin") as admin:
        made = admin.post("/api/v2/keys", json={"role": "read"}).json()
        page.goto(f"{server.address}/sign-in")
        sign_in(page, made["key"])
        drawn(page)
        assert admin.delete(f"/api/v2/keys/{made['id']}").is_success
    page.wait_for_function("async () => (await fetch('/overview.json')).status === 401", polling=500, timeout=120_000)
    page.reload()
    expect(page).to_have_url(re.compile("/sign-in"))


def test_an_open_page_leads_to_signing_in_when_its_session_ends(page: Page, server: School) -> None:
    page.clock.install()
    page.goto(f"{server.address}/?days=7")
    sign_in(page, server.keys["read"])
    drawn(page)
    headers = {"Origin": server.address}
    assert httpx.post(f"{server.address}/sign-out", cookies=session_of(page), headers=headers).status_code == 303
    page.clock.fast_forward(31_000)
    expect(page).to_have_url(f"{server.address}/sign-in?next=%2F%3Fdays%3D7")


def test_an_empty_page_shows_a_command_with_a_key(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with school(tmp_path_factory.mktemp("empty"), event="") as empty:
        page.goto(f"{empty.address}/")
        sign_in(page, empty.keys["read"])
        expect(page.locator("#curl")).to_contain_text('-H "Authorization: Bearer $ROLLBOOK_KEY"')


def test_over_https_the_cookie_is_bound_to_the_host(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("https")
    files = signed(place / "tls")
    with school(place / "book", ROLLBOOK_TLS_CERT=str(files.cert), ROLLBOOK_TLS_KEY=str(files.key)) as running:
        page.goto(f"{running.address}/")
        sign_in(page, running.keys["read"])
        drawn(page)
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["secure"]) == (f"__Host-{COOKIE}", True)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.context.cookies() == []


@pytest.mark.parametrize("trusted", ["127.0.0.1", "", "192.0.2.1"])
def test_https_is_believed_of_a_known_proxy_only(tmp_path: Path, trusted: str) -> None:
    with school(tmp_path, event="", TRUSTED_PROXIES=trusted) as running, running.client() as client:
        host = running.address.partition("//")[2]
        form, forwarded = {"key": running.keys["read"]}, {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
        answers = {
            scheme: client.post("/sign-in", data=form, headers=forwarded | {"Origin": f"{scheme}://{host}"})
            for scheme in ("http", "https")
        }
    cookies = {scheme: answer.headers.get("set-cookie", "").partition("=")[0] for scheme, answer in answers.items()}
    if trusted == "127.0.0.1":
        assert cookies == {"http": "", "https": f"__Host-{COOKIE}"}
    else:
        assert cookies == {"http": COOKIE, "https": ""}


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_scrolls_sideways(page: Page, server: School, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server.address}/sign-in")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    sign_in(page, server.keys["read"])
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_with_open_access_nobody_signs_in(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("open"), ROLLBOOK_AUTH="none", LOG_LEVEL="ERROR") as server:
        page.goto(f"{server.address}/sign-in")
        expect(page).to_have_url(f"{server.address}/")
        expect(page.locator("#empty")).to_be_visible()
        expect(page.locator(".who")).to_have_count(0)
