"""A subject: what the checks that run over every question need to know of some of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.analyses.worlds import World, some_event

Strategies = Mapping[str, st.SearchStrategy[Any]]
Happens = Callable[[datetime, datetime, str], st.SearchStrategy[dict[str, Any]]]


@dataclass(frozen=True)
class Subject:
    """Questions about one noun.

    `parameters`: by question, what may be asked in a world. `happens`: any event of their worlds, given a moment of
    interest, the now and the zone. `needed`: parameters that a question must have, where there is no default.
    `story`: what else happens to a user in the fixed story of test_registered.py. `nothing_found`: questions that may
    answer nothing to that story. `of_nobody`: figures that are not 0 where nothing ever happened.
    """

    parameters: Mapping[str, Callable[[World], Strategies]]
    happens: Happens = some_event
    needed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    story: Callable[[str], list[dict[str, Any]]] = lambda user: []
    nothing_found: frozenset[str] = frozenset()
    of_nobody: frozenset[str] = frozenset()
