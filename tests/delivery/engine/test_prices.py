"""Prices over HTTP, and what they make of costs."""

from typing import Any

import pytest

from rollbook.store import Store
from tests.analyses.costs.test_costs import call
from tests.delivery.serving import serve
from tests.stories import tell

WANTED: dict[str, Any] = {
    "provider": "acme",
    "model": "small",
    "valid_from": "2026-03-01T00:00:00Z",
    "input_per_million": "2.5",
    "output_per_million": 10,
    "cached_per_million": 0.1,
}


def test_a_price_is_made_changed_and_removed_and_costs_follow_it(store: Store, tenant: str) -> None:
    client, of = serve(store), {"tenant_id": tenant}
    tell(store, tenant, [call("2026-03-10T10:00", tokens_used=1000, input_tokens=800, output_tokens=200)])

    def cost() -> Any:
        given = of | {"as_of": "2026-03-11T00:00:00Z"}
        return client.get("/api/v2/ask/model_costs", params=given).json()["rows"][0]["cost_cents"]

    assert cost() is None
    made = client.post("/api/v2/prices", params=of, json=WANTED)
    assert made.status_code == 201, made.text
    price = made.json()
    assert (price["input_per_million"], price["output_per_million"], price["cached_per_million"]) == (
        "2.5",
        "10",
        "0.1",
    )
    assert (price["currency"], price["cached_within_input"], price["reasoning_within_output"]) == ("USD", True, True)
    assert cost() == "0.4"
    assert client.post("/api/v2/prices", params=of, json=WANTED).status_code == 409
    address = f"/api/v2/prices/{price['id']}"
    changed = client.put(address, params=of, json=WANTED | {"input_per_million": "0", "cached_within_input": False})
    assert (changed.json()["input_per_million"], changed.json()["cached_within_input"]) == ("0", False)
    assert cost() == "0.2"
    assert client.get("/api/v2/prices", params=of).json() == {"prices": [changed.json()]}
    assert client.get(address, params=of).json() == changed.json()
    assert client.delete(address, params=of).status_code == 200
    assert client.get(address, params=of).status_code == 404
    assert cost() is None


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"currency": "EUR"}, "one currency, here USD, not EUR"),
        ({"input_per_million": "-1"}, "input_per_million"),
        ({"input_per_million": "NaN"}, "input_per_million"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"model": ""}, "model"),
    ],
)
def test_what_is_no_price_is_refused(store: Store, tenant: str, more: dict[str, Any], says: str) -> None:
    answer = serve(store).post("/api/v2/prices", params={"tenant_id": tenant}, json=WANTED | more)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
