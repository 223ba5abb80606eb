"""The form of a setting."""

from typing import Any

from pydantic import AliasChoices, Field
from pydantic.config import JsonDict


def named(default: Any, *names: str, why: str, documents: str = "", later: bool = False, **limits: Any) -> Any:
    """A setting: its default and its environment variables, the winner first. `documents`: what the documents say.

    `later`: it is read and checked, but nothing acts on it yet.
    """
    extra: JsonDict = {"documents": documents, "later": later}
    return Field(default, validation_alias=AliasChoices(*names), description=why, json_schema_extra=extra, **limits)
