"""Prices: what a million tokens of a model cost from some moment on; in decimals, exactly."""

import decimal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainSerializer

from rollbook.analyses.costs.tokens import Counting, Tokens, counting_of

# a rate is in the currency's main unit (dollars) for a million tokens: so many tokens cost this many hundredths of one
CENTS_OF_RATE = Decimal(100) / Decimal(1_000_000)
# tokens of 16 digits at rates of 18, added up a billion times
EXACT = decimal.Context(prec=60)


def plain(amount: Decimal) -> str:
    """An amount as text, without an exponent and without zeros at the end."""
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


# in JSON a text, so that no reader makes a floating number of it
Cents = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]


@dataclass(frozen=True, slots=True)
class Price:
    """Rates for a million tokens by kind; None: cached as input, reasoning as output; without an output there is none.

    `counting`: how the provider counts, where the price says so.
    """

    provider: str
    model: str
    valid_from: datetime
    input: Decimal
    cached: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    cached_within_input: bool | None = None
    reasoning_within_output: bool | None = None

    @property
    def counting(self) -> Counting:
        """How the tokens of this model are counted."""
        usual = counting_of(self.provider)
        return Counting(
            usual.cached_within_input if self.cached_within_input is None else self.cached_within_input,
            usual.reasoning_within_output if self.reasoning_within_output is None else self.reasoning_within_output,
        )

    def cost_cents(self, tokens: Tokens) -> Decimal | None:
        """What tokens cost, in hundredths of the currency's unit; None: there is no rate for some of them."""
        if (self.output is None and tokens.output + tokens.reasoning) or (self.output is not None and tokens.unsplit):
            return None
        rates = (
            (tokens.input + tokens.unsplit, self.input),
            (tokens.cached, self.input if self.cached is None else self.cached),
            (tokens.output, self.output),
            (tokens.reasoning, self.output if self.reasoning is None else self.reasoning),
        )
        return total(EXACT.multiply(EXACT.multiply(count, rate or Decimal()), CENTS_OF_RATE) for count, rate in rates)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts, exactly."""
    found = Decimal()
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found


class PriceList:
    """All prices of a tenant in its currency, to be looked up by model and moment."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._of: dict[tuple[str, str], list[Price]] = {}
        for price in sorted(prices, key=lambda one: one.valid_from, reverse=True):
            self._of.setdefault((price.provider.lower(), price.model.lower()), []).append(price)

    def at(self, provider: str, model: str, moment: datetime) -> Price | None:
        """The price that holds for a model at a moment; upper and lower case are the same."""
        known = self._of.get((provider.lower(), model.lower()), ())
        return next((price for price in known if price.valid_from <= moment), None)

    def moments(self) -> list[datetime]:
        """The moments at which any price begins to hold."""
        return sorted({price.valid_from for prices in self._of.values() for price in prices})


def price_list(records: Sequence[Mapping[str, Any]], currency: str) -> PriceList:
    """The prices of these records that are in the currency."""
    return PriceList(_price(record) for record in records if record["currency"] == currency)


def _price(record: Mapping[str, Any]) -> Price:
    def rate(kind: str) -> Decimal | None:
        kept = record[f"{kind}_rate"]
        return None if kept is None else Decimal(kept)

    return Price(
        provider=record["provider"],
        model=record["model"],
        valid_from=record["valid_from"],
        input=Decimal(record["input_rate"]),
        cached=rate("cached"),
        output=rate("output"),
        reasoning=rate("reasoning"),
        cached_within_input=record["cached_within_input"],
        reasoning_within_output=record["reasoning_within_output"],
    )
