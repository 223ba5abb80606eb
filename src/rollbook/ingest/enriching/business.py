"""Business: through which campaign somebody came, in which experiment's variant they were, and on which tier."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rollbook.ingest.enriching.enricher import Around, Incoming, Members

MOST_CHARACTERS = 256
CAMPAIGN = ("source", "medium", "campaign", "term", "content")
ADDRESSES = ("url", "page_url", "page", "href")
EXPERIMENT, VARIANT = ("experiment", "experiment_id"), ("variant", "variant_id", "experiment_variant")
TIER = ("tier", "customer_tier", "plan")
# most events have none of these, which is quick to see
TELLING = frozenset({"campaign", *(f"utm_{name}" for name in CAMPAIGN), *ADDRESSES, *EXPERIMENT, *VARIANT, *TIER})


class Business:
    """`campaign` (by `utm_…` in the properties or in an address, or `campaign`), `experiment`, `variant`, `tier`.

    The tier is the event's, else the trait `tier` of who did it.
    """

    name = "business"

    def ready(self, around: Around) -> Callable[[Incoming], Members]:
        """Looks everybody's tier up at once."""
        users = around.users()
        traits = around.known.traits.of(around.tenant, users) if users else {}

        def members(event: Incoming) -> Members:
            sent, known = event.properties, traits.get(event.user, {})
            found: Members = {}
            if sent.keys() & TELLING:
                found = {
                    "campaign": _campaign(sent),
                    "experiment": _first(sent, EXPERIMENT),
                    "variant": _first(sent, VARIANT),
                }
            found["tier"] = _first(sent, TIER) or _first(known, TIER)
            return {name: value for name, value in found.items() if value}

        return members


def _campaign(sent: dict[str, Any]) -> dict[str, str]:
    """Its parts, without `utm_`; a `campaign` is its name, or an object of parts."""
    found = {name: value for name in CAMPAIGN if (value := _text(sent.get(f"utm_{name}")))}
    if not found:
        found = _of_address(next((text for name in ADDRESSES if "utm_" in (text := _text(sent.get(name), 8192))), ""))
    own = sent.get("campaign")
    if isinstance(own, dict):
        return {name: value for name in (*CAMPAIGN, "name", "id") if (value := _text(own.get(name)))} | found
    return ({"name": text} if (text := _text(own)) else {}) | found


def _of_address(address: str) -> dict[str, str]:
    given = parse_qs(urlsplit(address).query, max_num_fields=100) if address else {}
    return {name: given[f"utm_{name}"][0][:MOST_CHARACTERS] for name in CAMPAIGN if f"utm_{name}" in given}


def _first(values: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _text(values.get(name)))), "")


def _text(value: Any, most: int = MOST_CHARACTERS) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:most]
