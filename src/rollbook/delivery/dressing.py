"""Dressing: axes, numbers, tooltips and marks of every chart, on pages and in reports alike.

A question's chart says what is drawn (analyses/chart.py), this says how, the theme in which colours.
"""

import copy
from collections.abc import Mapping

from rollbook.analyses.chart import Spec

DAY = "%-d %b"
DAY_MS = 86_400_000
CLOCK = {
    "weekday": "['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][{n} - 1]",
    "hour": "({n} < 10 ? '0' : '') + {n} + ':00'",
}


FRACTION = "datum.value % 1 != 0"
WHOLE: Spec = {
    "labelExpr": f"{FRACTION} ? '' : format(datum.value, datum.value < 10000 ? ',d' : '~s')",
    "gridOpacity": {"condition": {"test": FRACTION, "value": 0}, "value": 1},
}


def dressed(
    spec: Spec,
    *,
    height: int = 264,
    series: Mapping[str, str] | None = None,
    unfinished: bool = False,
    weight: str | None = None,
) -> Spec:
    """A question's own specification with axes, formats and tooltips as all charts have them; `height` is all of it.

    `series` draws several fields of each row in one line chart: field -> label. `unfinished`: the last day is not over,
    so that what falls there is dashed or pale. `weight`: the field that says how many stand behind a point of a line;
    it is drawn while they are at least a fifth of the most, beyond that it is noise.
    """
    spec = copy.deepcopy(spec) | {"height": height, "autosize": {"type": "fit", "contains": "padding"}}
    mark, encoding = spec.pop("mark")["type"], spec.pop("encoding")
    for channel, one in encoding.items():
        _measured(channel, one, mark)
    if mark == "rect":
        return spec | _grid(encoding)
    if mark == "line":
        trend = _trend(encoding, series or {}, unfinished=unfinished)
        return spec | (_weighed(trend, weight) if weight else trend)
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


def _weighed(trend: Spec, weight: str) -> Spec:
    """A trend without its noisy end; its tooltips say how many stand behind each point."""
    follower = trend["layer"][-1]
    of = {"field": weight, "type": "quantitative", "title": weight, "format": ",d"}
    follower["encoding"]["tooltip"].append(of)
    most = {"joinaggregate": [{"op": "max", "field": weight, "as": "most"}]}
    return trend | {"transform": [most, {"filter": f"datum['{weight}'] > 0 && datum['{weight}'] * 5 >= datum.most"}]}


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
    name |= {"sort": None, "axis": {"title": None, "labelLimit": {"expr": "max(130, width * 0.4)"}, "domain": False}}
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
    numbers = {"format": "%"} if share else {"labelExpr": WHOLE["labelExpr"]}
    legend = numbers | {"title": color["title"], "tickCount": 2, "titleOrient": "left"}
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
