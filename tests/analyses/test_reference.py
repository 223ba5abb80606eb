"""The page of the questions does not lag behind them."""

from pathlib import Path

import pytest

from rollbook.analyses.catalogue import BY_NAME
from rollbook.analyses.question import OF_ALL
from rollbook.analyses.reference import questions_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "questions.md"


def test_the_page_does_not_lag() -> None:
    assert PAGE.read_text("utf-8") == questions_page(), (
        "run `python -m rollbook.analyses.reference > " + str(PAGE) + "`"
    )


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_question_has_its_part(name: str) -> None:
    page = PAGE.read_text("utf-8")
    part = page[page.index(f"\n## {name}\n") :].split("\n## ")[1]
    kind = BY_NAME[name]
    for parameter in set(kind.model_fields) - OF_ALL:
        assert f"| `{parameter}` |" in part
    for field in kind.answer().model_fields:
        assert f"| `{field}` |" in part
    assert "```sql" in part
