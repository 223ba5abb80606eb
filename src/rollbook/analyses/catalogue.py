"""Every question there is. To add one: its file, its test, one line here."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.question import Question
from rollbook.errors import Invalid, NotFound

QUESTIONS: tuple[type[Question[Any]], ...] = (ActiveUsers,)

BY_NAME = {question.name(): question for question in QUESTIONS}


def question(name: str, parameters: Mapping[str, Any]) -> Question[Any]:
    """A question by name and parameters. Raises NotFound with the names there are, Invalid with what is wrong."""
    kind = BY_NAME.get(name)
    if kind is None:
        raise NotFound(f"no question {name!r}; there are: {', '.join(sorted(BY_NAME))}")
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}, not {p['input']!r}" for p in error.errors())
        fields = ", ".join(kind.model_fields)
        raise Invalid(f"{name}: {'; '.join(problems)}. Its parameters: {fields}") from error
