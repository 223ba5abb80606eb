"""Rates: so many calls a minute for each key and person, in one process and over Redis; and guessing takes long."""

import asyncio
import itertools
import random
from collections.abc import Iterator

import pytest
from redis import Redis
from structlog.testing import capture_logs

from rollbook.errors import TooMany, Unauthenticated
from rollbook.governance.caller import LOCAL, OPEN, Caller
from rollbook.governance.rates import Addresses, Rates
from rollbook.governance.rates.rates import Headers
from rollbook.governance.rates.windows import InMemory, InRedis, Windows
from rollbook.governance.tenants import tenants_of
from rollbook.settings import load
from rollbook.store import Store
from tests.governance.access.showing import gated, scope_of
from tests.services import redis_server

MACHINE = Caller("school", frozenset({"service"}), "key:3f2a")
WRONG = Unauthenticated("wrong")
HERE, THERE = "192.0.2.1", "198.51.100.7"


class Clock:
    """A clock at the start of a minute, that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 6_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Nobody waits for it."""
    return Clock()


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Redis for these tests."""
    with redis_server() as url:
        yield url


def check(rates: Rates, caller: Caller | None = MACHINE, address: str = HERE) -> Headers:
    """One call."""
    return asyncio.run(rates.check(caller, address))


def allowed(windows: Windows, who: str, limit: int, calls: int) -> list[bool]:
    """Which of so many calls in a row are allowed."""

    async def spend() -> list[bool]:
        return [(await windows.spend(who, limit)).allowed for _ in range(calls)]

    return asyncio.run(spend())


def refused(rates: Rates, caller: Caller | None = MACHINE, address: str = HERE) -> TooMany:
    """What a call too many is told."""
    with pytest.raises(TooMany) as caught:
        check(rates, caller, address)
    return caught.value


def test_so_many_calls_and_no_more(clock: Clock) -> None:
    rates = Rates(load(rate_limit_per_minute=3), clock=clock)
    left = [dict(check(rates))[b"ratelimit-remaining"] for _ in range(3)]
    assert left == [b"2", b"1", b"0"]
    error = refused(rates)
    assert error.status == 429
    assert error.retry_after_seconds == 80
    assert dict(error.headers)[b"ratelimit-limit"] == b"3"
    clock.now += 79
    refused(rates)
    clock.now += 1
    check(rates)


def test_the_headers_say_what_is_left_in_both_spellings(clock: Clock) -> None:
    clock.now += 20
    told = dict(check(Rates(load(rate_limit_per_minute=5), clock=clock)))
    for spelling in (b"ratelimit-", b"x-ratelimit-"):
        assert [told[spelling + name] for name in (b"limit", b"remaining", b"reset")] == [b"5", b"4", b"40"]


def test_the_turn_of_a_minute_gives_nobody_twice_as_much(clock: Clock) -> None:
    windows = InMemory(clock)
    clock.now += 59
    assert all(allowed(windows, "a", 100, 100))
    clock.now += 2
    assert sum(allowed(windows, "a", 100, 100)) == 1
    clock.now += 30
    assert 45 <= sum(allowed(windows, "a", 100, 100)) <= 51
    clock.now += 300
    assert sum(allowed(windows, "a", 100, 200)) == 100


@pytest.mark.parametrize("seed", range(5))
def test_whoever_waits_as_long_as_told_gets_through(seed: int, clock: Clock) -> None:
    dice, windows = random.Random(seed), InMemory(clock)

    async def live() -> None:
        for _ in range(300):
            clock.now += dice.random() * 20
            for _ in range(dice.randrange(12)):
                spent = await windows.spend("a", 7)
                if not spent.allowed:
                    clock.now += spent.wait_seconds
                    assert (await windows.spend("a", 7)).allowed
                    break

    asyncio.run(live())


def test_each_key_and_each_person_has_its_own(clock: Clock) -> None:
    rates = Rates(load(rate_limit_per_minute=1), clock=clock)
    ada = Caller("school", frozenset({"learner"}), "token:ada", subject="ada")
    elsewhere = Caller("college", frozenset({"learner"}), "token:ada", subject="ada")
    for caller in (MACHINE, ada, elsewhere):
        check(rates, caller)
        refused(rates, caller)
    # and from anywhere: a school shares one address, and a laptop moves
    refused(rates, MACHINE, THERE)


def test_without_a_key_the_address_is_counted(clock: Clock) -> None:
    rates = Rates(load(), clock=clock)
    for _ in range(100):
        check(rates, None)
    assert "100" in refused(rates, None).detail
    check(rates, None, THERE)
    check(rates, MACHINE)


def test_a_sender_of_ipv6_is_its_network(clock: Clock) -> None:
    rates = Rates(load(rate_limit_per_minute=1), clock=clock)
    check(rates, None, "2001:db8:0:1::1")
    refused(rates, None, "2001:db8:0:1:ffff::9")
    check(rates, None, "2001:db8:0:2::1")
    check(rates, None, "::ffff:192.0.2.1")
    refused(rates, None, "192.0.2.1")


def test_keys_have_a_high_limit_of_their_own_unless_one_is_set(clock: Clock) -> None:
    assert dict(check(Rates(load(), clock=clock)))[b"ratelimit-limit"] == b"600000"
    assert dict(check(Rates(load(rate_limit_per_minute=100), clock=clock)))[b"ratelimit-limit"] == b"100"
    assert dict(check(Rates(load(rate_limit_per_key=7), clock=clock)))[b"ratelimit-limit"] == b"7"
    assert check(Rates(load(rate_limit_per_key=0), clock=clock)) == []


def test_this_machine_has_no_limit(clock: Clock) -> None:
    rates = Rates(load(rate_limit_per_minute=1), clock=clock)
    assert [check(rates, caller) for caller in (LOCAL, LOCAL, OPEN, OPEN)] == [[]] * 4


def test_what_is_counted_has_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.governance.rates.windows.MOST_COUNTED", 100)
    monkeypatch.setattr("rollbook.governance.rates.rates.MOST_ADDRESSES", 100)
    windows, rates = InMemory(clock), Rates(load(), clock=clock)
    for number in range(1000):
        allowed(windows, f"caller {number}", 5, 1)
        rates.failed(f"10.0.{number // 200}.{number % 200}", WRONG)
    assert len(windows._counts) <= 100
    assert len(rates._troubles) <= 100
    assert sum(allowed(windows, "caller 999", 5, 9)) == 4


def failures(rates: Rates, times: int, address: str = HERE) -> list[int | None]:
    """How long one is told to wait after each wrong key; None: not at all."""

    def once() -> int | None:
        try:
            rates.failed(address, WRONG)
        except TooMany as error:
            return error.retry_after_seconds
        return None

    return [once() for _ in range(times)]


def test_guessing_takes_longer_and_longer(clock: Clock) -> None:
    rates, waits = Rates(load(), clock=clock), []
    for _ in range(9):
        told = failures(rates, 11)
        assert told[:10] == [None] * 10
        waits.append(told[10])
        with pytest.raises(TooMany):
            rates.look(HERE)
        clock.now += (told[10] or 0) - 1
        with pytest.raises(TooMany):
            rates.look(HERE)
        clock.now += 1
        rates.look(HERE)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert failures(rates, 11, THERE)[10] == 60
    clock.now += 3 * 3600
    assert failures(rates, 11)[10] == 60


def test_now_and_then_a_wrong_key_is_nothing(clock: Clock) -> None:
    rates = Rates(load(), clock=clock)
    for _ in range(20):
        assert failures(rates, 5) == [None] * 5
        clock.now += 60


def test_what_was_good_once_is_no_guess(clock: Clock) -> None:
    rates = Rates(load(), clock=clock)
    for _ in range(50):
        rates.failed(HERE, Unauthenticated("the token has expired", was_good=True))
    rates.look(HERE)


def test_guessing_over_http(store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant)
    client, credentials = gated(store)
    key, _ = credentials.keys.create(tenant, "read")
    unseen, _ = credentials.keys.create(tenant, "read")
    asked = "/api/v2/ask/totals"

    def status(shown: str) -> int:
        answer = client.get(asked, headers={"x-api-key": shown})
        assert ("retry-after" in answer.headers) == (answer.status_code == 429)
        return int(answer.status_code)

    assert status(key) == 200
    assert [status(f"rbk_guess_{number}") for number in range(12)] == [401] * 10 + [429] * 2
    # a key that was good before goes on; one that was never seen must wait, or guesses could be told apart
    credentials.keys._known.clear()
    assert status(key) == 200
    assert status(unseen) == 429


def test_limits_over_http(store: Store, tenant: str) -> None:
    tenants_of(store).create(tenant)
    client, credentials = gated(store, load(auth="required", rate_limit_per_minute=2))
    shown = {"x-api-key": credentials.keys.create(tenant, "read")[0]}
    answers = [client.get("/api/v2/ask/totals", headers=shown) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert "2 calls in a minute" in answers[2].json()["detail"]
    # what shows nothing is counted too, and health is never refused
    assert [client.get("/api/v2/ask/totals").status_code for _ in range(3)] == [401, 401, 429]
    assert client.get("/health").status_code != 429


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ("", HERE, "10.0.0.1", HERE),
        ("10.0.0.0/8", HERE, "10.0.0.1", HERE),
        ("10.0.0.0/8", "10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", HERE, HERE),
        ("10.0.0.0/8", "10.0.0.1", f"{THERE}, {HERE}", HERE),
        ("10.0.0.0/8", "10.0.0.1", f"{THERE}, {HERE}, 10.9.9.9", HERE),
        ("10.0.0.0/8", "10.0.0.1", "10.2.2.2, 10.3.3.3", "10.2.2.2"),
        ("10.0.0.0/8", "10.0.0.1", f"{HERE}, unknown", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", f"unknown, {HERE}", HERE),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1, ::1", "::1", HERE, HERE),
        ("10.0.0.0/8", "::ffff:10.0.0.1", HERE, HERE),
    ],
)
def test_who_is_behind_a_proxy(trusted: str, peer: str, forwarded: str | None, found: str) -> None:
    headers = {} if forwarded is None else {"x_forwarded_for": forwarded}
    assert Addresses(trusted)(scope_of(peer=peer, **headers)) == found


def test_of_several_headers_the_last_counts() -> None:
    scope = scope_of(peer="10.0.0.1")
    scope["headers"] = [(b"x-forwarded-for", THERE.encode()), (b"x-forwarded-for", HERE.encode())]
    assert Addresses("10.0.0.1")(scope) == HERE


@pytest.mark.service("redis")
def test_several_processes_share_a_limit_in_redis(redis_url: str) -> None:
    one, other = InRedis(redis_url), InRedis(redis_url)

    async def alternating() -> list[bool]:
        both = itertools.cycle((one, other))
        return [(await next(both).spend("shared", 10)).allowed for _ in range(14)]

    assert asyncio.run(alternating()) == [True] * 10 + [False] * 4


@pytest.mark.service("redis")
def test_what_redis_says_is_told(redis_url: str) -> None:
    async def three() -> list[tuple[bool, int, bool]]:
        windows = InRedis(redis_url)
        found = [await windows.spend("told", 2) for _ in range(3)]
        return [(one.allowed, one.remaining, 1 <= one.wait_seconds <= 60) for one in found]

    assert asyncio.run(three()) == [(True, 1, False), (True, 0, False), (False, 0, True)]


@pytest.mark.service("redis")
def test_of_a_high_limit_redis_is_asked_once_for_many_calls(redis_url: str, clock: Clock) -> None:
    counts = Redis.from_url(redis_url)

    async def many() -> int:
        windows = InRedis(redis_url, clock)
        await windows.spend("many", 600_000)
        before = int(counts.info("stats")["total_commands_processed"])
        for _ in range(599):
            assert (await windows.spend("many", 600_000)).allowed
        return int(counts.info("stats")["total_commands_processed"]) - before

    assert asyncio.run(many()) <= 3
    counts.close()


@pytest.mark.service("redis")
def test_without_redis_each_process_counts_for_itself(clock: Clock) -> None:
    with redis_server() as url:
        gone = url

    async def calls() -> list[bool]:
        windows = InRedis(gone, clock)
        return [(await windows.spend("a", 3)).allowed for _ in range(5)]

    with capture_logs() as logs:
        assert asyncio.run(calls()) == [True] * 3 + [False] * 2
    assert [line["event"] for line in logs] == ["redis_silent"]
