"""Theme: how every chart looks, in light and in dark, on pages and in reports alike.

A question's chart says what is drawn (analyses/chart.py); `dressed` decides how: axes, numbers, tooltips, marks.
Source: Vega-Lite's configuration (https://vega.github.io/vega-lite/docs/config.html).
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
DAY = "%-d %b"
DAY_MS = 86_400_000
CLOCK = {
    "weekday": "['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][{n} - 1]",
    "hour": "({n} < 10 ? '0' : '') + {n} + ':00'",
}


FRACTION = "datum.value % 1 != 0"
WHOLE: Spec = {
    "format": "~s",
    "labelExpr": f"{FRACTION} ? '' : datum.label",
    "gridOpacity": {"condition": {"test": FRACTION, "value": 0}, "value": 1},
}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one mode; page.css has the same."""

    surface: str
    text: str
    muted: str
    line: str
    accent: str
    second: str
    third: str
    ramp: tuple[str, ...]


LIGHT = Palette(
    surface="#ffffff",
    text="#1c1917",
    muted="#57534e",
    line="#e7e5e4",
    accent="#0f766e",
    second="#4a9d92",
    third="#8f8a86",
    ramp=("#f1f5f4", "#cfe6e2", "#8fc7bf", "#45a196", "#0f766e", "#0a4f4a"),
)
DARK = Palette(
    surface="#191b1a",
    text="#f0efed",
    muted="#a8a5a0",
    line="#2e3130",
    accent="#4fd1b5",
    second="#2f9483",
    third="#85827e",
    ramp=("#222625", "#1f3f3a", "#23665c", "#2f9483", "#4fd1b5", "#b6f5e6"),
)


def configs() -> dict[str, Spec]:
    """Vega-Lite's configuration for each mode."""
    return {"light": config(LIGHT), "dark": config(DARK)}


def config(palette: Palette) -> Spec:
    """Vega-Lite's configuration in a palette's colours."""
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "padding": {"left": 2, "right": 10, "top": 6, "bottom": 2},
        "range": {
            "category": [palette.accent, palette.second, palette.third],
            "ramp": list(palette.ramp),
            "heatmap": list(palette.ramp),
        },
        "line": {"color": palette.accent, "strokeWidth": 2, "strokeCap": "round", "strokeJoin": "round"},
        "area": {"color": palette.accent, "fillOpacity": 0.1, "line": False},
        "point": {"color": palette.accent, "filled": True, "size": 50},
        "bar": {"color": palette.accent, "cornerRadiusEnd": 2},
        "rect": {"stroke": palette.surface, "strokeWidth": 2, "cornerRadius": 3},
        "rule": {"color": palette.muted, "strokeWidth": 1},
        "text": {"color": palette.muted, "fontSize": 12},
        **_axes(palette),
        "legend": {
            "labelColor": palette.muted,
            "titleColor": palette.muted,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "orient": "top",
            "offset": 10,
            "symbolSize": 120,
            "symbolStrokeWidth": 2.5,
            "gradientThickness": 8,
            "gradientLength": 120,
        },
    }


def _axes(palette: Palette) -> Spec:
    labels = {"labelColor": palette.muted, "labelFontSize": 12, "labelPadding": 8, "labelOverlap": "greedy"}
    titles = {"titleColor": palette.muted, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 10}
    return {
        "axis": labels | titles | {"gridColor": palette.line, "domainColor": palette.line, "ticks": False},
        "axisX": {"grid": False},
        "axisY": {"domain": False, "tickCount": 4},
    }


def dressed(
    spec: Spec, *, height: int = 264, series: Mapping[str, str] | None = None, unfinished: bool = False
) -> Spec:
    """A question's own specification with axes, formats and tooltips as all charts have them; `height` is all of it.

    `series` draws several fields of each row in one line chart: field -> label. `unfinished`: the last day is not over,
    so that what falls there is dashed or pale.
    """
    spec = copy.deepcopy(spec) | {"height": height, "autosize": {"type": "fit", "contains": "padding"}}
    mark, encoding = spec.pop("mark")["type"], spec.pop("encoding")
    for channel, one in encoding.items():
        _measured(channel, one, mark)
    if mark == "rect":
        return spec | _grid(encoding)
    if mark == "line":
        return spec | _trend(encoding, series or {}, unfinished=unfinished)
    return spec | (
        _ranking(encoding) if encoding["x"]["type"] == "nominal" else _columns(encoding, unfinished=unfinished)
    )


def _is_share(encoding: Spec) -> bool:
    return str((encoding.get("axis") or encoding.get("legend") or {}).get("format", "")).endswith("%")


def _number(encoding: Spec) -> str:
    """How a quantity is written out: 12,480 or 62.1%."""
    return ".1%" if _is_share(encoding) else ",d"


def _measured(channel: str, encoding: Spec, mark: str) -> None:
    """Scale and axis of one channel, by its type."""
    if encoding["type"] == "temporal":
        # days are dates, not moments: without UTC a browser west of Greenwich would show the day before
        encoding["timeUnit"] = "utcyearmonthdate"
        encoding["axis"] = {"format": DAY, "title": None, "tickCount": {"expr": "max(2, ceil(width / 110))"}}
        if mark != "line":
            # a bar stands for its whole day, with the label under its middle
            encoding["type"] = "ordinal"
            overlap = {"labelOverlap": "parity", "labelSeparation": 20}
            encoding["axis"] = {"format": DAY, "title": None, "labelAngle": 0} | overlap
    elif encoding["type"] == "quantitative" and channel == "y":
        # whole numbers only: there is no half event
        axis = {"format": "%"} if _is_share(encoding) else WHOLE
        encoding["axis"] = axis | {"title": None}


def _tooltip(encoding: Spec, field: str | None = None, title: str | None = None) -> Spec:
    """One line of a tooltip."""
    shown: Spec = {"field": field or encoding["field"], "type": encoding["type"], "title": title or encoding["title"]}
    if "timeUnit" in encoding:
        return shown | {"timeUnit": encoding["timeUnit"], "format": f"%a {DAY} %Y"}
    return shown | ({"format": _number(encoding)} if encoding["type"] == "quantitative" else {})


def _trend(encoding: Spec, series: Mapping[str, str], *, unfinished: bool) -> Spec:
    """A line (with its area where it is alone), and a rule that follows the pointer and shows all values there."""
    x, y = encoding["x"], encoding["y"]
    if x["type"] == "quantitative":
        ticks = {"format": "d", "tickMinStep": 1, "tickCount": {"expr": "max(2, ceil(width / 60))"}}
        x |= {"axis": ticks | {"title": x["title"]}, "scale": {"nice": False}}
    if _is_share(y):
        y["scale"] = {"domain": [0, 1]}
    values = [_tooltip(y, field, label) for field, label in series.items()] or [_tooltip(y)]
    drawn = _several(x, y, series) if series else {"encoding": {"x": x, "y": y}}
    fill = [] if series else [drawn | {"mark": {"type": "area"}}]
    lines = _until_today(drawn, x["field"]) if unfinished else [drawn | {"mark": {"type": "line"}}]
    return {"layer": [*fill, *lines, _follower(x, [_tooltip(x), *values])]}


def _several(x: Spec, y: Spec, series: Mapping[str, str]) -> Spec:
    labels = list(series.values())
    color = {"field": "series", "type": "nominal", "title": None, "legend": {"symbolType": "stroke"}}
    return {
        "transform": [
            *({"calculate": f"datum['{field}']", "as": label} for field, label in series.items()),
            {"fold": labels, "as": ["series", "value"]},
        ],
        "encoding": {"x": x, "y": y | {"field": "value"}, "color": color | {"scale": {"domain": labels}}},
    }


def _until_today(drawn: Spec, day: str) -> list[Spec]:
    """The line up to yesterday, and its way from there to today dashed."""
    before = [*drawn.get("transform", []), _latest(day)]
    past = {"filter": f"datum['{day}'] < datum.latest"}
    rest = {"filter": f"datum['{day}'] >= datum.latest - {DAY_MS}"}
    return [
        drawn | {"transform": [*before, past], "mark": {"type": "line"}},
        drawn | {"transform": [*before, rest], "mark": {"type": "line", "strokeDash": [3, 4]}},
    ]


def _latest(day: str) -> Spec:
    return {"joinaggregate": [{"op": "max", "field": day, "as": "latest"}]}


def _follower(x: Spec, tooltip: list[Spec]) -> Spec:
    select = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}
    return {
        "params": [{"name": "pointed", "select": select}],
        "mark": {"type": "rule"},
        "encoding": {
            "x": {key: x[key] for key in ("field", "type", "timeUnit") if key in x},
            "opacity": {"condition": {"param": "pointed", "empty": False, "value": 0.5}, "value": 0},
            "tooltip": tooltip,
        },
    }


def _columns(encoding: Spec, *, unfinished: bool) -> Spec:
    """Upright bars over days or numbers."""
    x, y = encoding["x"], encoding["y"]
    spec: Spec = {"mark": {"type": "bar"}, "encoding": encoding | {"tooltip": [_tooltip(x), _tooltip(y)]}}
    if unfinished:
        pale = {"test": f"datum['{x['field']}'] >= datum.latest", "value": 0.45}
        spec["transform"] = [_latest(x["field"])]
        spec["encoding"]["opacity"] = {"condition": pale, "value": 1}
    return spec


def _ranking(encoding: Spec, most: int = 10) -> Spec:
    """Lying bars in the order of the rows, the number after each: names need the room that lies beside a bar."""
    name, size = encoding["x"], encoding["y"]
    tooltip = [_tooltip(name), _tooltip(size)]
    text = {"text": {"field": size["field"], "type": "quantitative", "format": _number(size)}}
    name |= {"sort": None, "axis": {"title": None, "labelLimit": {"expr": "max(90, width * 0.4)"}, "domain": False}}
    size |= {"axis": None, "scale": {"range": [0, {"expr": "width - 56"}]}}
    return {
        "transform": [{"window": [{"op": "row_number", "as": "place"}]}, {"filter": f"datum.place <= {most}"}],
        "encoding": {"y": name, "x": size},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"expr": "min(18, 0.6 * bandwidth('y'))"}},
                "encoding": {"tooltip": tooltip},
            },
            {"mark": {"type": "text", "align": "left", "dx": 6}, "encoding": text},
        ],
    }


def _grid(encoding: Spec) -> Spec:
    """Cells, darker where there is more."""
    x, y, color = encoding["x"], encoding["y"], encoding["color"]
    # only the colour is a quantity here, whichever channel the share's format came with
    share = any(_is_share(channel) for channel in (x, y, color))
    for channel in (x, y, color):
        channel.pop("axis", None)
    numbers = {"format": "%"} if share else {key: WHOLE[key] for key in ("format", "labelExpr")}
    legend = numbers | {"title": color["title"], "tickCount": 3, "titleOrient": "left"}
    color |= {"scale": {"domainMin": 0}, "legend": legend}
    tooltip = [_tooltip(y), _tooltip(x), _tooltip(color)]
    spec: Spec = {"mark": {"type": "rect"}, "encoding": encoding | {"tooltip": tooltip}}
    x["axis"] = {"title": x["title"], "labelAngle": 0, "domain": False, "labelOverlap": "parity", "labelSeparation": 6}
    y["axis"] = {"title": None, "domain": False}
    for channel in (x, y):
        _on_the_clock(channel, spec)
    return spec


def _on_the_clock(channel: Spec, spec: Spec) -> None:
    """Weekdays and hours by name instead of by number."""
    labels = CLOCK.get(channel["field"])
    if labels is None:
        return
    named = f"{channel['field']} named"
    spec.setdefault("transform", []).append(
        {"calculate": labels.replace("{n}", f"datum.{channel['field']}"), "as": named}
    )
    for line in spec["encoding"]["tooltip"]:
        if line["field"] == channel["field"]:
            line["field"] = named
    channel["axis"] |= {"labelExpr": labels.replace("{n}", "datum.value"), "title": None}
    if channel["field"] == "hour":
        channel["axis"]["values"] = list(range(0, 24, 3))
