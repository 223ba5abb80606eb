"""Usage: the one query behind the questions about models, and what its rows cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from rollbook.analyses.costs.prices import Cents, PriceList, price_list, total
from rollbook.analyses.costs.tokens import Tokens, counting_of
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import A, Answer, Days, Question, When
from rollbook.analyses.retention import split
from rollbook.governance.tenants import tenants_of
from rollbook.store import Scope, Store
from rollbook.store.scope import EPOCH, MILLISECOND

MOST_NAMED = 100

Dimension = Literal["provider", "model", "operation", "hour", "conversation_type"]
By = Annotated[tuple[Dimension, ...], BeforeValidator(split, json_schema_input_type=str | list[Dimension])]


class Spent(Answer):
    """What calls used and cost."""

    currency: str = Field(description="Of the costs: the tenant's.")
    calls: int
    failures: int = Field(description="Calls with `success` false.")
    tokens_used: int = Field(description="As the calls reported them.")
    input_tokens: int = Field(description="Read anew: without the cached.")
    cached_tokens: int = Field(description="Read from a cache.")
    output_tokens: int = Field(description="Written: without those of reasoning.")
    reasoning_tokens: int
    unsplit_tokens: int = Field(description="Of calls that say only how many in all.")
    cost_cents: Cents | None = Field(description="Of the calls whose cost is known; null: of none it is.")
    calls_with_cost: int = Field(description="Calls that brought their cost.")
    calls_priced: int = Field(description="Calls whose cost is worked out from the tenant's prices.")
    calls_without_cost: int = Field(description="Calls whose cost is not known; not in `cost_cents`.")
    unknown_models: list[str] = Field(description="Models of those, as provider/model; the first 100.")


@dataclass(slots=True)
class Sum:
    """What calls used and cost, as it is added up."""

    calls: int = 0
    failures: int = 0
    reported: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    amounts: list[Decimal] = field(default_factory=list)
    given: int = 0
    priced: int = 0
    unknown: int = 0
    unknown_models: set[str] = field(default_factory=set)

    def spent(self, currency: str) -> dict[str, Any]:
        """The fields of `Spent`."""
        return {
            "currency": currency,
            "calls": self.calls,
            "failures": self.failures,
            "tokens_used": self.reported,
            "input_tokens": self.tokens.input,
            "cached_tokens": self.tokens.cached,
            "output_tokens": self.tokens.output,
            "reasoning_tokens": self.tokens.reasoning,
            "unsplit_tokens": self.tokens.unsplit,
            "cost_cents": total(self.amounts) if self.given + self.priced else None,
            "calls_with_cost": self.given,
            "calls_priced": self.priced,
            "calls_without_cost": self.unknown,
            "unknown_models": sorted(self.unknown_models)[:MOST_NAMED],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """Calls of one model between two changes of prices: all with their cost, or all without."""

    provider: str
    model: str
    since: int
    costed: int
    calls: int
    failures: int
    reported: int
    cost: Decimal
    input: int
    cached: int
    cached_of_input: int
    output: int
    reasoning: int
    reasoning_of_output: int
    unsplit: int


class UsageQuestion(Question[A], Generic[A]):
    """A question about the use of models.

    A model usage event has `model_provider` in its properties, whatever its type. Its cost is its `cost_cents` (up to
    12 decimals; without the sign, at most 10^15), else what the tenant's price that held at its timestamp makes of its
    tokens. Numbers below 0 or over 10^15 count as missing.
    """

    days: Days = Field(30, description="Calendar days, today included.")

    sql: ClassVar[str] = """
        select provider, model, operation, hour, conversation_type, day,
               quantilesExactInclusiveMerge(0.5, 0.95, 0.99)(latencies) as latency,
               groupArray((named_provider, named_model, since, costed, calls, failed, reported, cost, input, cached,
                           cached_of_input, output, reasoning, reasoning_of_output, unsplit)) as parts
        from (
            select if(has({by:Array(String)}, 'provider'), named_provider, null) as provider,
                   if(has({by:Array(String)}, 'model'), named_model, null) as model,
                   if(has({by:Array(String)}, 'operation'), said.operation, null) as operation,
                   if(has({by:Array(String)}, 'hour'), toHour(timestamp, {zone:String}), null) as hour,
                   if(has({by:Array(String)}, 'conversation_type'), said.conversation_type, null) as conversation_type,
                   if(has({by:Array(String)}, 'day'), toDate(timestamp, {zone:String}), null) as day,
                   named_provider, named_model, since, isNotNull(money) as costed, writes, whole,
                   count() as calls, countIf(said.success = false) as failed, sum(total) as reported,
                   sum(ifNull(money, toDecimal128(0, 12))) as cost,
                   sum(if(whole, 0, i)) as input, sum(if(whole, 0, c)) as cached,
                   sum(if(whole, 0, least(c, i))) as cached_of_input,
                   sum(if(whole, 0, o)) as output, sum(if(whole, 0, r)) as reasoning,
                   sum(if(whole, 0, least(r, o))) as reasoning_of_output, sum(if(whole, total, 0)) as unsplit,
                   quantilesExactInclusiveState(0.5, 0.95, 0.99)(said.latency_ms) as latencies
            from (
                select timestamp, said, said.model_provider as named_provider, said.model_name as named_model,
                       roundDown(toUnixTimestamp64Milli(timestamp), {since:Array(Int64)}) as since,
                       toDecimal128OrNull(ifNull(said.cost_cents, ''), 12) as amount,
                       if(abs(amount) <= 1000000000000000, amount, null) as money,
                       if(ifNull(said.tokens_used, -1) between 0 and 1000000000000000, said.tokens_used, 0) as total,
                       isNull(said.input_tokens) and isNull(said.output_tokens) as whole,
                       if(ifNull(said.input_tokens, -1) between 0 and 1000000000000000, said.input_tokens, 0) as i,
                       if(ifNull(said.output_tokens, -1) between 0 and 1000000000000000, said.output_tokens, 0) as o,
                       if(ifNull(said.cached_tokens, -1) between 0 and 1000000000000000, said.cached_tokens, 0) as c,
                       if(ifNull(said.reasoning_tokens, -1) between 0 and 1000000000000000, said.reasoning_tokens, 0)
                           as r,
                       o + r > 0 as writes
                from (
                    select timestamp, JSONExtract(measured,
                        'Tuple(model_provider String, model_name String, operation String, conversation_type String,
                               tokens_used Nullable(Int64), input_tokens Nullable(Int64), output_tokens Nullable(Int64),
                               cached_tokens Nullable(Int64), reasoning_tokens Nullable(Int64),
                               cost_cents Nullable(String), latency_ms Nullable(Float64), success Nullable(Bool))')
                        as said
                    from scope where kind = 'model_usage'))
            group by provider, model, operation, hour, conversation_type, day, named_provider, named_model, since,
                     costed, writes, whole)
        where if(calls > 0, named_provider != '', false) -- so that it is not asked of every event before its kind
        group by provider, model, operation, hour, conversation_type, day
        order by sum(calls) desc, provider, model, operation, hour, conversation_type, day
        limit {limit:UInt32}
        """

    _prices: PriceList = PrivateAttr(default_factory=PriceList)
    _currency: str = PrivateAttr("USD")

    def informed(self, store: Store, tenant: str) -> Self:
        """The question with the tenant's prices."""
        made = self.model_copy()
        made._currency = tenants_of(store).settings(tenant).currency
        made._prices = price_list(store.records.prices.of(tenant), made._currency)
        return made

    def scope(self, when: When) -> Scope:
        """The days counted."""
        return when.calendar_days(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """The moments at which prices change."""
        scope = self.scope(when)
        changes = [moment for moment in self._prices.moments() if scope.begin < moment <= scope.until]
        return super().bound(when) | {"since": [_ms(scope.begin), *map(_ms, changes)]}

    def sums(self, found: Iterable[Sequence[Any]]) -> Sum:
        """What these parts used and cost together."""
        summed = Sum()
        for row in found:
            self._add(summed, Part(*row))
        return summed

    def _add(self, summed: Sum, part: Part) -> None:
        price = self._prices.at(part.provider, part.model, EPOCH + part.since * MILLISECOND)
        counting = price.counting if price else counting_of(part.provider)
        tokens = Tokens(
            input=part.input - part.cached_of_input * counting.cached_within_input,
            cached=part.cached,
            output=part.output - part.reasoning_of_output * counting.reasoning_within_output,
            reasoning=part.reasoning,
            unsplit=part.unsplit,
        )
        summed.calls += part.calls
        summed.failures += part.failures
        summed.reported += part.reported
        summed.tokens += tokens
        if part.costed:
            summed.given += part.calls
            summed.amounts.append(part.cost)
        elif price and (cost := price.cost_cents(tokens)) is not None:
            summed.priced += part.calls
            summed.amounts.append(cost)
        else:
            summed.unknown += part.calls
            summed.unknown_models.add(f"{part.provider}/{part.model}")


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def crowd_of(period: str, *keys: str) -> Crowd:
    """Who stands behind rows with these keys. Calls of nobody stand behind none, so they are withheld, too."""
    return Crowd(
        f"""
        select if(has({{by:Array(String)}}, 'provider'), said.model_provider, null) as provider,
               if(has({{by:Array(String)}}, 'model'), said.model_name, null) as model,
               if(has({{by:Array(String)}}, 'operation'), said.operation, null) as operation,
               if(has({{by:Array(String)}}, 'conversation_type'), said.conversation_type, null) as conversation_type,
               {period}, person
        from (
            select timestamp, person, JSONExtract(measured,
                'Tuple(model_provider String, model_name String, operation String, conversation_type String)') as said
            from scope where kind = 'model_usage' and person != sipHash64(''))
        where said.model_provider != ''
        """,
        keys=keys,
    )
