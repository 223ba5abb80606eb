"""Words: how an id is found inside of texts that are somebody else's.

A telling word, one that means nothing else, is found wherever it stands alone. A short one, or a number, may mean
anything; it is found only where a JSON key says that it is a person.
"""

import json
import re
from collections.abc import Iterable, Sequence

SHORTEST_TELLING = 6
SHORTEST_TELLING_NUMBER = 9

KEYS = r"\"(?:user|learner|student|author|sender|actor|peer|person)[A-Za-z_]*\"\s*:\s*"
# matches nothing, and has the two groups all the same
NEVER = r"()[^\x00-\x{10FFFF}]()"

# what may stand before a word inside of JSON: no letter or digit, unless it is that of an escape
_BEFORE = r"(^|[^\pL\pN]|\\[bfnrt]|\\u[0-9a-fA-F]{4})"
_AFTER = r"($|[^\pL\pN])"


def is_telling(word: str) -> bool:
    """Whether the word is long enough to mean this person wherever it stands."""
    return len(word) >= (SHORTEST_TELLING_NUMBER if word.isdecimal() else SHORTEST_TELLING)


def forms(word: str) -> set[str]:
    """How JSON may write the word: as it is, escaped, escaped to ASCII, with slashes escaped."""
    plain, escaped = json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]
    return {word, plain, escaped, plain.replace("/", "\\/"), escaped.replace("/", "\\/")}


def telling_pattern(words: Sequence[str]) -> str:
    """An RE2 expression of all telling words, with what stands before and after as groups 1 and 2."""
    wanted = _any(word for word in words if is_telling(word))
    return f"{_BEFORE}(?:{wanted}){_AFTER}" if wanted else NEVER


def keyed_pattern(words: Sequence[str]) -> str:
    """An RE2 expression of the other words where they are the text of a person's key, with the same groups."""
    wanted = _any(word for word in words if not is_telling(word))
    return f'({KEYS}")(?:{wanted})(")' if wanted else NEVER


def finder(words: Sequence[str]) -> re.Pattern[str]:
    """A Python expression that finds any of the words in a text, of a person's key also as a number."""
    parts = []
    if telling := _any(word for word in words if is_telling(word)):
        parts.append(rf"(?:(?<![^\W_])|(?<=\\[bfnrt]))(?:{telling})(?![^\W_])")
    if others := _any(word for word in words if not is_telling(word)):
        parts.append(rf'{KEYS}"?(?:{others})(?![^\W_])')
    return re.compile("|".join(parts) or r"(?!)")


def _any(words: Iterable[str]) -> str:
    found = {form for word in words for form in forms(word)}
    return "|".join(re.escape(form) for form in sorted(found, key=len, reverse=True))
