"""Aggregations of streams as document 5 defines them: what is saved, and the question that answers it."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from rollbook.analyses.ask import ask
from rollbook.analyses.metrics.parameters import Aggregation, Filters, Name, Tags, kinds
from rollbook.analyses.metrics.session_windows import SessionWindows
from rollbook.analyses.metrics.stream import LONGEST_SECONDS, MOST_FIELDS, Stream, Window, only_counted
from rollbook.analyses.metrics.time_series import TimeWindow
from rollbook.analyses.metrics.windows import Windows
from rollbook.errors import Invalid
from rollbook.governance.grants import Grant
from rollbook.store import Store

# filters that say which stream it is
STREAMS = {"event_type": "event_types", "metric_name": "metric_names"}


class StreamingWindow(BaseModel):
    """The form of the windows."""

    model_config = ConfigDict(extra="forbid")

    window_type: Literal["tumbling", "sliding", "session"]
    window_size: TimeWindow = Field(description="Of a session: how long nothing comes until it has ended.")
    grace_period: Annotated[int, Field(ge=0, le=LONGEST_SECONDS)] | None = Field(
        None, description="Seconds after its end until a window is final; default: 0."
    )
    retention: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)] | None = Field(
        None, description="Seconds for which windows are there, from their beginning; default: WINDOW_RETENTION_HOURS."
    )


class StreamAggregation(BaseModel):
    """What becomes of the events of a stream in each of its windows."""

    model_config = ConfigDict(extra="forbid")

    aggregation_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = Field(
        default_factory=lambda: str(uuid.uuid4())
    )
    window: StreamingWindow
    group_by: Tags = Field((), description="Windows for each combination of these tags, columns or properties.")
    aggregations: Annotated[
        dict[Name, Aggregation], BeforeValidator(kinds), AfterValidator(only_counted), Field(max_length=MOST_FIELDS)
    ] = Field(
        default_factory=dict,
        description="By field: `value` (of samples), `duration`, `score`, `active_users` (only `count`), a property.",
    )
    filters: Filters | None = Field(None, description="`event_type` and `metric_name` say which stream; and tags.")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if "user_id" in (self.filters or {}):
            raise ValueError("a saved aggregation names no people; group by user_id, or ask `windows` instead")
        try:
            self.question(kept_seconds=1)
        except ValidationError as error:
            raise ValueError("; ".join(problem["msg"] for problem in error.errors())) from None
        return self

    def question(self, *, kept_seconds: int, as_of: datetime | None = None) -> Stream:
        """The question that answers it. `kept_seconds`: for how long windows are kept where it does not say."""
        filters = dict(self.filters or {})
        size = self.window.window_size
        grace = self.window.grace_period or 0
        given: dict[str, Any] = {
            "size": size.size,
            "unit": size.unit,
            "group_by": self.group_by,
            "aggregations": self.aggregations,
            "grace_period": grace,
            "retention": self.window.retention or max(kept_seconds, size.to_seconds() + grace),
            "as_of": as_of,
        }
        given |= {name: filters.pop(filtered) for filtered, name in STREAMS.items() if filtered in filters}
        given["filters"] = filters
        if self.window.window_type == "session":
            return SessionWindows(**given)
        return Windows(window_type=self.window.window_type, slide=size.slide, **given)


class StreamState(BaseModel):
    """What one window of an aggregation has come to."""

    state_key: str = Field(description="`host=a,region=eu`: what its events have in common; empty: nothing.")
    state_value: dict[str, float | None] = Field(description="By field.")
    window_start: datetime
    window_end: datetime = Field(description="Not in the window.")
    last_updated: datetime = Field(description="When its last event came.")
    event_count: int
    final: bool = Field(description="It has ended, and the grace period has passed.")
    late: int = Field(description="Of its events, those that came after it was final.")


def states(
    store: Store, aggregation: StreamAggregation, grant: Grant | str, as_of: datetime | None = None
) -> list[StreamState]:
    """The windows that are kept, from the events as they are now. Raises as `ask`, and Invalid."""
    try:
        kept_seconds = store.settings.window_retention_hours * 3600
        question = aggregation.question(kept_seconds=kept_seconds, as_of=as_of)
    except ValidationError as error:
        raise Invalid("; ".join(problem["msg"] for problem in error.errors())) from error
    return [_state(window) for window in ask(store, question, grant).rows]


def _state(window: Window) -> StreamState:
    return StreamState(
        state_key=",".join(f"{name}={value}" for name, value in window.tags.items()),
        state_value=window.values,
        window_start=window.window_start,
        window_end=window.window_end,
        last_updated=window.last_updated,
        event_count=window.event_count,
        final=window.final,
        late=window.late,
    )
