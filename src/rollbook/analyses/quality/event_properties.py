"""Event properties: what do events say beyond the fields that all have?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rollbook.analyses.chart import Bars, Chart
from rollbook.analyses.crowd import Crowd
from rollbook.analyses.question import Answer, Question, When
from rollbook.store import Scope

# ClickHouse's kinds of JSON values, as JSON Schema calls them
KINDS = {
    "String": "string",
    "Int64": "integer",
    "UInt64": "integer",
    "Double": "number",
    "Bool": "boolean",
    "Array": "array",
    "Object": "object",
    "Null": "null",
}


class PropertyUse(Answer):
    """One property of one type of event."""

    type: str
    property: str
    events: int = Field(description="That have it, of those that were looked at.")
    share: float = Field(description="The same as a share, 0 to 1.")
    kinds: list[str] = Field(description="Of its values, as JSON Schema calls them.")
    last: datetime | None = Field(description="When an event last had it; null for who sees groups only.")


class EventProperties(Question[PropertyUse]):
    """Which properties do events of each type carry, how often, and of which kind?

    The properties at the top of the JSON object, by type and name; those with the most events first, at most 10,000. Of
    types with more than `most` events in the period any `most` are looked at. Properties with a number that nothing can
    hold (1e999) are passed over.
    """

    days: Annotated[int, Field(ge=1, le=31)] = Field(7, description="The last N x 24 hours.")
    type: Annotated[str, Field(max_length=1024)] | None = Field(None, description="Only this type; default: all.")
    most: Annotated[int, Field(ge=1, le=100_000)] = Field(10_000, description="Events of a type that are looked at.")

    sql: ClassVar[str] = """
        select type, property, count() as events, events / any(looked_at) as share,
               groupUniqArray(10)(toString(kind)) as kinds, max(timestamp) as last
        from
        (
            select type, timestamp, looked_at, tupleElement(pair, 1) as property,
                   JSONType(tupleElement(pair, 2)) as kind
            from
            (
                select toString(type) as type, timestamp, properties, count() over (partition by type) as looked_at
                from
                (
                    select type, timestamp, properties from scope
                    where {every:UInt8} or type = {type:String}
                    limit {most:UInt32} by type
                )
            )
            array join arrayDistinct(JSONExtractKeysAndValuesRaw(properties)) as pair
        )
        group by type, property
        order by events desc, type, property
        limit 10000
        """
    crowd: ClassVar[Crowd] = Crowd(
        """
        select toString(type) as type, arrayJoin(JSONExtractKeys(properties)) as property, person from scope
        where person != sipHash64('') and ({every:UInt8} or type = {type:String})
        """,
        keys=("type", "property"),
        figures=("events",),
        extremes=("last",),
    )
    chart: ClassVar[Chart] = Bars(x="property", y="events", color="type")

    def scope(self, when: When) -> Scope:
        """The period."""
        return when.last(self.days)

    def bound(self, when: When) -> dict[str, Any]:
        """Which types."""
        return super().bound(when) | {"every": int(self.type is None), "type": self.type or ""}

    def rows(self, found: Sequence[dict[str, Any]], when: When) -> list[PropertyUse]:
        """Row for row, the kinds in words."""
        return [PropertyUse(**row | {"kinds": sorted({KINDS[kind] for kind in row["kinds"]})}) for row in found]
