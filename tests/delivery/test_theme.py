"""The theme: every question's chart can be drawn with it, and the pages have its colours."""

import re
from importlib import resources
from typing import Any

import pytest
import vl_convert

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.ask import ask
from rollbook.analyses.catalogue import BY_NAME, question
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.retention_curve import RetentionCurve
from rollbook.delivery import theme
from rollbook.delivery.dressing import dressed
from rollbook.store import Store
from tests.analyses.subjects import SUBJECT_OF
from tests.stories import happened, tell

DRAWN = [name for name, kind in BY_NAME.items() if kind.chart]
PALETTES = {"light": theme.LIGHT, "dark": theme.DARK}


# what the story of a question's subject does not hold, and its chart is about
MORE = {
    "gamification_stats": ("xp_earned", '{"xp_amount": 50}'),
    "system_metrics": ("api_request", '{"latency_ms": 12, "endpoint": "/x"}'),
    "model_costs": (
        "model.usage",
        '{"model_provider": "acme", "model_name": "small", "operation": "chat", "tokens_used": 9, "cost_cents": 2.5}',
    ),
}
ASKED = {"system_metrics": {"by": "hour"}}


def drawn(spec: dict[str, Any], mode: str = "light") -> str:
    """The chart as SVG."""
    sized = spec | {"width": 400}
    svg: str = vl_convert.vegalite_to_svg(sized, config=theme.configs()[mode])
    return svg


@pytest.mark.parametrize("mode", PALETTES)
@pytest.mark.parametrize("name", DRAWN)
def test_every_question_with_a_chart_can_be_drawn(store: Store, tenant: str, name: str, mode: str) -> None:
    tell(
        store,
        tenant,
        [happened("content_view", user, f"2026-03-0{day}T10:00") for user in "ab" for day in (1, 2, 4, 6)],
    )
    tell(store, tenant, [event for user in "ab" for event in SUBJECT_OF[name].story(user)])
    for type, properties in [MORE[name]] if name in MORE else []:
        hours = (8, 9, 10)
        tell(store, tenant, [happened(type, "a", f"2026-03-06T{hour:02}:00", properties=properties) for hour in hours])
    known = {"user": "a", "cohort_date": "2026-03-01", "as_of": "2026-03-06T12:00"}
    needed = dict(SUBJECT_OF[name].needed.get(name, {})) | ASKED.get(name, {})
    asked = needed | {field: value for field, value in known.items() if field in BY_NAME[name].model_fields}
    answer = ask(store, question(name, asked), tenant)
    chart = BY_NAME[name].chart
    assert chart
    svg = drawn(dressed(chart.spec([row.model_dump(mode="json") for row in answer.rows])), mode)
    assert 'width="400"' in svg
    # marks of the theme's colours, and none without a place
    assert any(colour in svg for colour in (PALETTES[mode].accent, f'stroke="{PALETTES[mode].surface}"'))
    assert "NaN" not in svg


def test_numbers_are_written_out_and_the_tail_is_left_out() -> None:
    rows = [{"type": f"type-{n:02}", "events": 12_480 - n} for n in range(12)]
    svg = drawn(dressed(EventDistribution.chart.spec(rows)))
    assert ">12,480<" in svg
    assert ">type-09<" in svg
    assert ">type-10<" not in svg


def test_the_last_day_is_dashed_where_it_is_not_over() -> None:
    rows = [{"day": f"2026-03-0{n}", "dau": n, "wau": n, "mau": n, "stickiness": 1.0} for n in range(1, 4)]
    series = {"dau": "Daily", "wau": "Weekly"}
    assert drawn(dressed(ActiveUsers.chart.spec(rows), series=series)).count("stroke-dasharray") == 0
    assert drawn(dressed(ActiveUsers.chart.spec(rows), series=series, unfinished=True)).count("stroke-dasharray") == 2


def test_a_line_ends_where_few_stand_behind_it() -> None:
    rows = [{"n": n, "people": people, "returned": 1, "share": 0.5} for n, people in enumerate((10, 6, 2, 1))]
    svg = drawn(dressed(RetentionCurve.chart.spec(rows), weight="people"))
    [line] = re.findall(r'class="mark-line[^>]*><path [^>]*? d="([^"]*)"', svg)
    assert line.count("L") == 2
    assert drawn(dressed(RetentionCurve.chart.spec(rows))) != svg


def test_dressing_leaves_the_question_alone() -> None:
    spec = ActiveUsers.chart.spec([])
    before = repr(spec)
    dressed(spec)
    assert repr(spec) == before


def test_pages_have_the_charts_colours() -> None:
    css = (resources.files("rollbook.delivery") / "static" / "page.css").read_text("utf-8")
    light, dark = css.split("@media (prefers-color-scheme: dark)", 1)
    for sheet, palette in ((light, theme.LIGHT), (dark, theme.DARK)):
        for name in ("surface", "text", "muted", "line", "accent"):
            assert f"--{name}: {getattr(palette, name)};" in sheet


@pytest.mark.parametrize("mode", PALETTES)
def test_contrast(mode: str) -> None:
    palette = PALETTES[mode]
    # WCAG 2.2 AA: 4.5 for text, 3 for what one must tell apart in a chart
    for name, least in {"text": 4.5, "muted": 4.5, "accent": 4.5, "second": 3.0, "third": 3.0}.items():
        assert contrast(getattr(palette, name), palette.surface) >= least, name


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
