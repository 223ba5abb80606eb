"""Charts: a question's answer as a Vega-Lite specification, drawn by the page and by reports alike.

Source: Vega-Lite 6 (https://vega.github.io/vega-lite/docs/spec.html).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

Spec = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """How an answer is drawn: `x`, `y` and `color` name fields of its rows.

    `explode` first unfolds a field that holds a list, or an object as `{day_7: …}`, into one row for each of its values
    with the value's place, or the number in its name, in `n`; nulls are left out. `parse`: a field whose numbers are
    texts (decimals).
    """

    x: str
    y: str
    color: str | None = None
    explode: str | None = None
    parse: str | None = None
    types: dict[str, str] | None = None
    titles: dict[str, str] | None = None
    percent: bool = False
    mark: str = "bar"

    def spec(self, rows: list[dict[str, Any]]) -> Spec:
        """The specification with the rows inside."""
        return {
            "$schema": SCHEMA,
            "width": "container",
            "data": {"values": self._values(rows)}
            | ({"format": {"type": "json", "parse": {self.parse: "number"}}} if self.parse else {}),
            "mark": self._mark(),
            "encoding": self._encoding(),
        }

    def _values(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.explode is None:
            return rows
        return [
            {**row, "n": n, self.explode: value}
            for row in rows
            for n, value in _unfolded(row[self.explode])
            if value is not None
        ]

    def _mark(self) -> Spec:
        return {"type": self.mark, "tooltip": True}

    def _encoding(self) -> Spec:
        channels = {"x": self.x, "y": self.y} | ({"color": self.color} if self.color else {})
        return {channel: self._channel(channel, name) for channel, name in channels.items()}

    def _channel(self, channel: str, name: str) -> Spec:
        spec: Spec = {
            "field": name,
            "type": (self.types or {}).get(name, self._type(channel)),
            "title": (self.titles or {}).get(name, name.replace("_", " ")),
        }
        if self.percent and spec["type"] == "quantitative":
            spec["axis" if channel != "color" else "legend"] = {"format": "%"}
        return spec

    def _type(self, channel: str) -> str:
        """Of a channel that `types` does not name."""
        return "quantitative" if channel == "y" else "nominal"


def _unfolded(values: Sequence[Any] | Mapping[str, Any]) -> Iterable[tuple[int, Any]]:
    if isinstance(values, Mapping):
        return ((int(name.rpartition("_")[2]), value) for name, value in values.items())
    return enumerate(values)


@dataclass(frozen=True, kw_only=True)
class Line(Chart):
    """A line over time or over a number of days."""

    mark: str = "line"

    def _mark(self) -> Spec:
        return {"type": "line", "tooltip": True, "point": True}


@dataclass(frozen=True, kw_only=True)
class Bars(Chart):
    """Bars, one for each row."""


@dataclass(frozen=True, kw_only=True)
class Heatmap(Chart):
    """A grid of cells, darker where there is more."""

    mark: str = "rect"

    def _type(self, channel: str) -> str:
        return "quantitative" if channel == "color" else "ordinal"


@dataclass(frozen=True, kw_only=True)
class Dots(Chart):
    """A dot for each row, in time or along a number; its height is a name."""

    mark: str = "point"

    def _type(self, channel: str) -> str:
        return "nominal"
