"""Levels: curves that settings and questions name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.analyses.ask import ask
from rollbook.analyses.gamification.gamification_progress import GamificationProgress
from rollbook.errors import Invalid
from rollbook.settings import load
from rollbook.settings.curve import Level, curve
from rollbook.store import Store
from tests.stories import happened, tell

CURVES = ("quadratic:100", "linear:250", "exponential:100:1.5", "exponential:7:1", "100,250,500", "5")


@pytest.mark.parametrize(
    ("text", "xp", "level"),
    [
        ("quadratic:100", 0, Level(1, 0, 100)),
        ("quadratic:100", 99, Level(1, 0, 100)),
        ("quadratic:100", 100, Level(2, 100, 400)),
        ("quadratic:100", 10**6, Level(101, 10**6, 1_020_100)),
        ("linear:250", 499, Level(2, 250, 500)),
        ("exponential:100:1.5", 250, Level(3, 250, 475)),
        ("100,250,500", 260, Level(3, 250, 500)),
        # after the last one, each as far as the last two
        ("100,250,500", 1_000, Level(6, 1_000, 1_250)),
        ("quadratic:100", -5, Level(1, 0, 100)),
    ],
)
def test_levels(text: str, xp: int, level: Level) -> None:
    assert curve(text).level(xp) == level


@given(st.sampled_from(CURVES), st.integers(0, 10**12))
def test_every_xp_has_its_one_level(text: str, xp: int) -> None:
    found = curve(text)
    level = found.level(xp)
    assert level.begins <= xp < level.next
    assert (level.begins, level.next) == (found.begins(level.number), found.begins(level.number + 1))


@pytest.mark.parametrize(
    "text",
    ["", "cubic:3", "linear:0", "linear:9999999999", "exponential:100:0.5", "exponential:1:99", "5,5", "0,5", "x"],
)
def test_what_is_no_curve(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is no curve of levels"):
        curve(text)
    if text:
        monkeypatch.setenv("ROLLBOOK_LEVEL_CURVE", text)
        with pytest.raises(Invalid, match="ROLLBOOK_LEVEL_CURVE"):
            load()


def test_the_curve_is_the_setting_s_unless_the_question_names_one(
    store: Store, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(store, tenant, [happened("xp_earned", at="2026-03-02T10:00", properties='{"xp_amount": 100}')])
    asked = GamificationProgress.model_validate({"user": "ada", "as_of": "2026-03-03T00:00"})

    def level(question: GamificationProgress) -> int:
        return ask(store, question, tenant).only().current_level

    assert level(asked) == 2
    assert level(asked.model_copy(update={"curve": "linear:10"})) == 11
    monkeypatch.setattr(store, "settings", store.settings.model_copy(update={"level_curve": "1,2,3"}))
    assert level(asked) == 101
