"""What models cost: numbers worked out by hand, to the last decimal."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.costs.model_costs import ModelCosts
from rollbook.analyses.costs.model_usage import ModelUsage
from rollbook.analyses.costs.prices import Price, PriceList, plain, total
from rollbook.analyses.costs.tokens import Counting, Tokens, counting_of
from rollbook.errors import Conflict
from rollbook.governance.grants import Grant
from rollbook.governance.tenants import tenants_of
from rollbook.store import Store
from tests.stories import happened, tell

AS_OF = "2026-03-11T00:00"


def call(at: str, user: str = "ada", **said: Any) -> dict[str, Any]:
    """One call of a model."""
    usual = {"model_provider": "acme", "model_name": "small", "operation": "chat", "success": True, "latency_ms": 100}
    return happened("model.usage", user, at, properties=json.dumps(usual | said))


def price(store: Store, tenant: str, valid_from: str, *, model: str = "small", **more: Any) -> None:
    """A price of a model of acme's."""
    row: dict[str, Any] = {"tenant": tenant, "id": f"{model}-{valid_from}", "provider": "acme", "model": model}
    row |= {"currency": "USD", "valid_from": datetime.fromisoformat(valid_from).replace(tzinfo=UTC)}
    none = ("cached_rate", "output_rate", "reasoning_rate", "cached_within_input", "reasoning_within_output")
    store.records.prices.put(row | dict.fromkeys(none) | more)


def test_what_calls_bring_is_added_up_in_decimals(store: Store, tenant: str) -> None:
    tell(store, tenant, [call(f"2026-03-10T10:{n:02}", tokens_used=10, cost_cents=0.1) for n in range(30)])
    tell(store, tenant, [call("2026-03-10T11:00", tokens_used=5, cost_cents=1e-7, success=False, latency_ms=500)])
    row = ask(store, ModelUsage(as_of=AS_OF), tenant).only()
    assert (row.calls, row.failures, row.tokens_used, row.unsplit_tokens) == (31, 1, 305, 305)
    assert row.cost_cents == Decimal("3.0000001")  # thirty times 0.1 is 2.9999999999999996 in floating numbers
    assert json.loads(row.model_dump_json())["cost_cents"] == "3.0000001"
    assert (row.calls_with_cost, row.calls_priced, row.calls_without_cost, row.unknown_models) == (31, 0, 0, [])
    assert row.latency_p50_ms == 100
    assert row.latency_p99_ms == pytest.approx(380)


def test_a_price_holds_from_its_moment_on_until_the_next(store: Store, tenant: str) -> None:
    price(store, tenant, "2026-03-01T00:00", input_rate="2.50", output_rate="10", cached_rate="1.25")
    price(store, tenant, "2026-03-10T12:00", input_rate="2", output_rate="8")
    said: dict[str, Any] = {"tokens_used": 1500, "input_tokens": 1000, "output_tokens": 500, "cached_tokens": 400}
    tell(store, tenant, [call("2026-03-10T11:59:59.999", **said), call("2026-03-10T12:00", **said)])
    row = ask(store, ModelUsage(as_of=AS_OF), tenant).only()
    # before: 600 x 2.50 + 400 x 1.25 + 500 x 10 = 7000; from then on: 1000 x 2 + 500 x 8 = 6000; dollars a million
    assert row.cost_cents == Decimal("1.3")
    assert (row.input_tokens, row.cached_tokens, row.output_tokens) == (1200, 800, 1000)
    assert (row.calls_with_cost, row.calls_priced) == (0, 2)
    days = ask(store, ModelCosts(as_of=AS_OF, unit="month", by=("model",)), tenant).rows
    assert [(str(one.period), one.model, one.cost_cents) for one in days] == [("2026-03-01", "small", Decimal("1.3"))]


def test_a_model_without_a_price_is_named_and_costs_nothing_known(store: Store, tenant: str) -> None:
    price(store, tenant, "2026-03-10T00:00", input_rate="1", output_rate="1")
    split: dict[str, Any] = {"tokens_used": 10, "input_tokens": 10}
    tell(store, tenant, [call("2026-03-09T10:00", **split), call("2026-03-09T10:00", model_name="huge", **split)])
    row = ask(store, ModelUsage(as_of=AS_OF, by=()), tenant).only()
    assert (row.cost_cents, row.calls_without_cost, row.unknown_models) == (None, 2, ["acme/huge", "acme/small"])
    assert (row.provider, row.model) == (None, None)
    tell(store, tenant, [call("2026-03-10T10:00", **split)])
    row = ask(store, ModelUsage(as_of=AS_OF, by=()), tenant).only()
    assert (row.cost_cents, row.calls_priced, row.calls_without_cost) == (Decimal("0.001"), 1, 2)


def test_prices_in_another_currency_are_not_added_up(store: Store, tenant: str) -> None:
    price(store, tenant, "2026-03-01T00:00", input_rate="1", output_rate="1")
    tell(store, tenant, [call("2026-03-10T10:00", tokens_used=1, input_tokens=1)])
    tenants_of(store).change(tenant, currency="EUR")
    row = ask(store, ModelUsage(as_of=AS_OF), tenant).only()
    assert (row.currency, row.cost_cents, row.unknown_models) == ("EUR", None, ["acme/small"])


def test_another_price_from_the_same_moment_is_refused(store: Store, tenant: str) -> None:
    price(store, tenant, "2026-03-01T00:00", input_rate="1")
    with pytest.raises(Conflict, match="small-2026-03-01T00:00"):
        store.records.prices.put(
            store.records.prices.of(tenant)[0] | {"id": "another"},
        )


def test_a_type_does_not_make_a_call_and_a_name_in_the_depth_does_not_either(store: Store, tenant: str) -> None:
    inside = happened("model.usage", "ada", "2026-03-10T10:00", properties='{"more": {"model_provider": "acme"}}')
    tell(store, tenant, [inside, call("2026-03-10T10:00", tokens_used=1) | {"type": "anything"}])
    assert ask(store, ModelUsage(as_of=AS_OF), tenant).only().calls == 1


def test_what_is_no_amount_counts_as_missing(store: Store, tenant: str) -> None:
    odd = (
        {"cost_cents": "free"},
        {"cost_cents": 1e300},
        {"input_tokens": -5, "tokens_used": 10**30},
        {"tokens_used": "x"},
    )
    tell(store, tenant, [call("2026-03-10T10:00", **({"tokens_used": 1} | said)) for said in odd])
    row = ask(store, ModelUsage(as_of=AS_OF), tenant).only()
    assert (row.calls, row.cost_cents, row.tokens_used, row.input_tokens) == (4, None, 2, 0)


def test_analysts_see_no_row_of_few_people(store: Store, tenant: str) -> None:
    few = [call("2026-03-09T10:00", f"u{n}", tokens_used=1, model_name="rare") for n in range(4)]
    many = [call("2026-03-09T10:00", f"u{n}", tokens_used=1, model_name="ab"[n % 2]) for n in range(12)]
    tell(store, tenant, few + many)
    answered = ask(store, ModelUsage(as_of=AS_OF), Grant(tenant, cells=True))
    assert ([row.model for row in answered.rows], answered.withheld) == (["a", "b"], 1)
    months = ask(store, ModelCosts(as_of=AS_OF, unit="month", by=("model",)), Grant(tenant, cells=True))
    assert ([row.model for row in months.rows], months.withheld) == (["a", "b"], 1)


@pytest.mark.parametrize(
    ("provider", "counting"),
    [
        ("openai", Counting(True, True)),
        ("Anthropic", Counting(False, True)),
        ("bedrock", Counting(False, True)),
        ("google_vertex", Counting(True, False)),
        ("xai", Counting(True, False)),
        ("own", Counting(True, True)),
    ],
)
def test_providers_count_as_their_documents_say(provider: str, counting: Counting) -> None:
    assert counting_of(provider) == counting


MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
RATES = st.decimals(0, 10**9, places=9, allow_nan=False)
COUNTS = st.integers(0, 10**15)


@given(st.lists(st.tuples(RATES, RATES, COUNTS, COUNTS), max_size=8))
def test_costs_of_parts_add_up_to_the_cost_of_all_exactly(parts: list[tuple[Decimal, Decimal, int, int]]) -> None:
    for rate, other, read, written in parts:
        one = Price("acme", "small", MOMENT, input=rate, output=other)
        parted = [one.cost_cents(Tokens(input=read)), one.cost_cents(Tokens(output=written))]
        whole = one.cost_cents(Tokens(input=read, output=written))
        assert total(cost for cost in parted if cost is not None) == whole
        assert whole is not None
        assert Decimal(plain(whole)) == whole
        assert "." not in plain(whole) or plain(whole)[-1] not in ".0"


def test_a_price_without_an_output_is_for_models_that_only_read() -> None:
    reads = Price("acme", "embed", MOMENT, input=Decimal(2))
    assert reads.cost_cents(Tokens(unsplit=1_000_000)) == 200
    assert reads.cost_cents(Tokens(output=1)) is None
    writes = Price("acme", "chat", MOMENT, input=Decimal(2), output=Decimal(4), reasoning=Decimal(8))
    assert writes.cost_cents(Tokens(unsplit=1)) is None
    assert writes.cost_cents(Tokens(output=500_000, reasoning=250_000)) == 400
    found = PriceList([writes]).at("ACME", "Chat", MOMENT)
    assert found == writes
    assert PriceList([writes]).at("acme", "chat", datetime(2026, 2, 28, tzinfo=UTC)) is None
