"""The page docs/reference/questions.md, made from the questions; `python -m rollbook.analyses.reference` prints it."""

import inspect
import sys
import textwrap
from typing import Any

from pydantic import BaseModel

from rollbook.analyses.catalogue import QUESTIONS
from rollbook.analyses.question import OF_ALL, Question

PREFACE = """# Questions

Each question is asked over HTTP (`GET /api/v2/ask/NAME?parameter=value`), on the command line
(`rollbook ask NAME --param parameter=value`), or in Python (`ask(store, question(NAME, parameters), tenant)`).

What the words mean, everywhere:

- **Now** is `as_of`, or the moment of asking. Nothing that happened after it counts, whenever it arrived. What
  happened in the very millisecond of now counts.
- **The last N days** in `window`, `period` and most `days` are the last N x 24 hours, to the millisecond. Where the
  text says **calendar days**, they are days on the clocks of the zone, today (as far as it has come) included; a day is
  23 or 25 hours long where the clocks change.
- **The zone** is `timezone`, or the tenant's, or `ROLLBOOK_TIMEZONE`. Another zone than the tenant's is answered from
  the events alone, which takes longer.
- **People** are distinct users. The empty user is nobody; its events count as events, and never as a person's.
- **First came** means ever, of any type of event, not in the period asked about.

`scope` are the events asked about; `activity_scope` (events and seconds by day, course, user and type),
`learner_days_scope` (who was active on which day) and `people_scope` (everyone ever seen, and when first) come from
rollups where whole days are rolled up, and from the events everywhere else, so that every answer is exact.
`conversations_scope` are the conversations that began in the period, put together from their events.

Every question also takes `as_of` (a moment; without a zone it is UTC) and `timezone` (like `Europe/Zurich`); every
question about many `segment` and `breakdown`, every question with a period `compare`: see
[segments](../guides/segments.md).

"""

GIVEN = OF_ALL


def questions_page() -> str:
    """The whole page."""
    index = "".join(f"- [{q.name()}](#{q.name()}): {_summary(q)}\n" for q in QUESTIONS)
    return PREFACE + index + "".join(map(_section, QUESTIONS))


def _summary(question: type[Question[Any]]) -> str:
    return inspect.getdoc(question).splitlines()[0]  # type: ignore[union-attr]  # a test holds that all have one


def _section(question: type[Question[Any]]) -> str:
    parts = [
        f"\n## {question.name()}",
        inspect.getdoc(question) or "",
        _parameters(question),
        _fields(question.answer()),
        _chart(question),
        f"```sql\n{textwrap.dedent(question.sql).strip()}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _parameters(question: type[Question[Any]]) -> str:
    schema = question.model_json_schema()
    rows = [
        f"| `{name}` | {_type(field, schema)} | {_default(name, field, schema)} | {field.get('description', '')} |"
        for name, field in schema["properties"].items()
        if name not in GIVEN
    ]
    return "\n".join(["| parameter | type | default | |", "|---|---|---|---|", *rows]) if rows else ""


def _fields(answer: type[BaseModel]) -> str:
    schema = answer.model_json_schema()
    rows = _rows(schema["properties"], schema, "")
    return "\n".join([inspect.getdoc(answer) or "", "", "| answer | type | |", "|---|---|---|", *rows])


def _rows(fields: dict[str, Any], schema: dict[str, Any], before: str) -> list[str]:
    """A row for each field; those of an object inside come under it, with its name in front."""
    rows = []
    for name, field in fields.items():
        rows.append(f"| `{before}{name}` | {_type(field, schema)} | {field.get('description', '')} |")
        if "$ref" in field:
            rows += _rows(_referred(field, schema)["properties"], schema, f"{before}{name}.")
    return rows


def _referred(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][field["$ref"].rpartition("/")[2]]
    return found


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(one, schema) for one in field["anyOf"])
    if "$ref" in field:
        return "object"
    if field.get("type") == "array":
        return f"list of {_type(field['items'], schema)}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"object of {_type(field['additionalProperties'], schema)}"
    return str(field.get("format") or field.get("type", "any")) + _limits(field)


def _limits(field: dict[str, Any]) -> str:
    if field.get("type") != "integer" or "minimum" not in field:
        return ""
    return f", {field['minimum']} to {field['maximum']}" if "maximum" in field else f", from {field['minimum']}"


def _default(name: str, field: dict[str, Any], schema: dict[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "**required**"
    default = field.get("default")
    if isinstance(default, list):
        return f"`{','.join(map(str, default))}`"
    return "none" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _chart(question: type[Question[Any]]) -> str:
    chart = question.chart
    if chart is None:
        return ""
    color = f", coloured by `{chart.color}`" if chart.color else ""
    return f"Chart: {type(chart).__name__.lower()}, `{chart.y}` over `{chart.x}`{color}."


if __name__ == "__main__":
    sys.stdout.write(questions_page())
