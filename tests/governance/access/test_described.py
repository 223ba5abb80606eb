"""OpenAPI says which routes need a key or token, and for whom they are."""

from rollbook.app import create_app
from rollbook.settings import load


def test_every_route_that_is_not_public_says_what_it_needs() -> None:
    # twice: what one application is told must not add up in the next
    create_app(load()).openapi()
    schema = create_app(load()).openapi()
    assert schema["components"]["securitySchemes"].keys() == {"token", "key", "password"}
    found = {
        (method, path): operation
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    open_to_all = {path for (_, path), operation in found.items() if not operation.get("security")}
    assert open_to_all == {"/health", "/api/v2/health", "/api/analytics/healthz", "/api/v2/questions"}
    sending = found["post", "/api/v2/events"]
    assert sending["description"].count("For: admin, learner, service.") == 1
    assert {"401", "403", "429"} <= sending["responses"].keys()
    assert found["get", "/api/v2/ask/totals"]["description"].endswith("For: admin, analyst, educator, service.")
