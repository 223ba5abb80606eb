"""Theme: the colours and the type of every chart, in light and in dark, on pages and in reports alike.

Source: Vega-Lite's configuration (https://vega.github.io/vega-lite/docs/config.html).
"""

from dataclasses import dataclass

from rollbook.analyses.chart import Spec

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


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
