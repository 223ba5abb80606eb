"""Overview: all that the first page shows, as data; the page draws it, its JSON twin is it."""

import inspect
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.question import Answer, Moment, Question, aware
from rollbook.analyses.retention import RetentionRate
from rollbook.analyses.retention_periods import RetentionPeriods
from rollbook.analyses.totals import Total, Totals
from rollbook.delivery.api.caller import reached
from rollbook.delivery.dressing import dressed
from rollbook.delivery.tiles import TILES, Tile, percent
from rollbook.errors import Forbidden, Invalid
from rollbook.governance.granted import MOST_TENANT_CHARACTERS
from rollbook.governance.grants import Grant
from rollbook.store import Store

WITHHELD = "withheld: too few people"
RANGES = (7, 30, 90)
FIGURES = {
    "active_today": "Active today",
    "people": "People",
    "events": "Events",
    "retention_7d": "Retention, 7 days",
    "retention_30d": "Retention, 30 days",
}


def given(text: object) -> object:
    """None for a form's empty field."""
    return None if text == "" else text


class Asked(BaseModel):
    """The page's parameters."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tenant_id: Annotated[
        str,
        Field(max_length=MOST_TENANT_CHARACTERS, description="Whose events; default: the tenant of the caller."),
    ] = ""
    days: Annotated[int, Field(ge=1, le=366, description="The range: the last N days.")] = 30
    as_of: Annotated[
        Annotated[Moment, AfterValidator(reached)] | None,
        BeforeValidator(given),
        Field(description="As if it were this moment; default: now."),
    ] = None


class Figure(BaseModel):
    """A headline figure."""

    name: str
    value: float | None
    text: str = Field(description="The value as it is shown.")
    note: str = Field(description="What it is to be compared with.")


class Column(BaseModel):
    """A column of a chart's table."""

    field: str
    title: str
    is_share: bool = Field(description="0 to 1, shown as percent.")


class Panel(BaseModel):
    """A chart, what it says, and its rows."""

    name: str
    definition: str
    says: str = Field(description="The chart in a sentence.")
    ask: str = Field(description="Where this question alone is answered.")
    is_empty: bool
    spec: dict[str, Any] = Field(description="Vega-Lite; its data is named `rows`.")
    columns: list[Column]
    rows: list[dict[str, Any]]


class Overview(BaseModel):
    """The page."""

    tenant: str
    days: int
    as_of: datetime
    timezone: str
    is_empty: bool = Field(description="The tenant has no events at all.")
    last: date | None = Field(description="Day of the last event, where the range has none.")
    figures: list[Figure]
    panels: list[Panel]


def overview(store: Store, grant: Grant, asked: Asked) -> Overview:
    """Ask everything, as of one moment. Raises QueryTimeout or Unavailable."""
    now = asked.as_of or aware(datetime.now(UTC))
    panels = [_answered(store, grant, tile, asked.days, now) for tile in TILES]
    active = next(answer for tile, answer in panels if tile.question is ActiveUsers)
    figures = _figures(store, grant, asked.days, now, active.rows)
    happened = grant.cells or any(figure.name == "events" and figure.value for figure in figures)
    ever = None if happened else ask(store, Totals(as_of=now), grant).rows[0]
    return Overview(
        tenant=grant.tenant,
        days=asked.days,
        as_of=now,
        timezone=active.timezone,
        is_empty=ever is not None and not ever.events,
        last=ever.last if ever else None,
        figures=figures,
        panels=[_panel(tile, answer, grant, asked.as_of) for tile, answer in panels],
    )


def _answered(store: Store, grant: Grant, tile: Tile, days: int, now: datetime) -> tuple[Tile, Answered[Any]]:
    question = tile.question.model_validate({"days": tile.days(days), "as_of": now})
    return tile, _rows(store, question, grant)


def _rows(store: Store, question: Question[Any], grant: Grant) -> Answered[Any]:
    """An answer; where groups only may be seen, one without rows stands for what is refused."""
    try:
        return ask(store, question, grant)
    except (Forbidden, Invalid):
        if not grant.cells:
            raise
        zone, now = store.zone_of(grant.tenant), question.as_of or aware(datetime.now(UTC))
        return Answered[Any](question=question.name(), parameters={}, as_of=now, timezone=zone, rows=[], withheld=1)


def _figures(store: Store, grant: Grant, days: int, now: datetime, active: Sequence[Any]) -> list[Figure]:
    moments = (now, now - timedelta(days=days))
    totals = [_rows(store, Totals(days=days, as_of=moment), grant).rows for moment in moments]
    rates = _rows(store, RetentionPeriods(periods=(7, 30), as_of=now), grant).rows
    yesterday = f"{active[-2].dau:,} yesterday" if len(active) > 1 else ""
    total, before = (rows[0] if rows else None for rows in totals)
    return [
        _count("active_today", active[-1].dau if active else None, yesterday),
        *(_change(name, total, before, days) for name in ("people", "events")),
        *(_share(f"retention_{rate.period_days}d", rate) for rate in rates),
    ]


def _count(name: str, value: int | None, note: str) -> Figure:
    if value is None:
        return Figure(name=name, value=None, text="—", note=WITHHELD)
    return Figure(name=name, value=value, text=f"{value:,}", note=note)


def _share(name: str, rate: RetentionRate) -> Figure:
    if not rate.cohort_size:
        return Figure(name=name, value=None, text="—", note="nobody yet")
    note = f"{rate.active_users:,} of {rate.cohort_size:,} came"
    return Figure(name=name, value=rate.retention_rate, text=percent(rate.retention_rate), note=note)


def _change(name: str, total: Total | None, before: Total | None, days: int) -> Figure:
    """A figure, and how much more or less than in as many days before it is."""
    value, earlier = (getattr(one, name) if one else None for one in (total, before))
    if value is None or not earlier:
        return _count(name, value, f"none in prior {days} days")
    change = f"{value / earlier - 1:+.0%} vs. prior {days} days"
    return _count(name, value, change.replace("-", "−"))  # noqa: RUF001


def _panel(tile: Tile, answer: Answered[Any], grant: Grant, moment: datetime | None) -> Panel:
    rows = [row.model_dump(mode="json") for row in answer.rows]
    is_empty = not answer.rows or tile.is_empty(answer.rows)
    as_of = {"as_of": moment.isoformat()} if moment else {}
    address = {"tenant_id": grant.tenant, **answer.parameters, **as_of}
    return Panel(
        name=tile.name,
        # what follows the first paragraph is for those who read the SQL
        definition=" ".join((inspect.getdoc(tile.question) or "").split("\n\n")[0].split()),
        says=WITHHELD if is_empty and answer.withheld else tile.nothing if is_empty else tile.says(answer.rows),
        ask=f"/api/v2/ask/{tile.name}?{urlencode(address)}",
        is_empty=is_empty,
        spec=_spec(tile),
        columns=_columns(tile.question.answer()),
        rows=rows,
    )


def _spec(tile: Tile) -> dict[str, Any]:
    """The question's chart, dressed; its rows are named, so that new ones can be put in without drawing it anew."""
    if tile.question.chart is None:
        raise TypeError(f"{tile.name} has no chart; the overview shows charts only")
    spec = tile.question.chart.spec([]) | {"data": {"name": "rows"}}
    return dressed(spec, height=tile.height, series=tile.series, unfinished=tile.unfinished, weight=tile.weight)


def _columns(answer: type[Answer]) -> list[Column]:
    """The columns of a table: every number with a fraction in these answers is a share."""
    return [
        Column(field=name, title=name.replace("_", " "), is_share=float in get_args(field.annotation))
        for name, field in answer.model_fields.items()
    ]
