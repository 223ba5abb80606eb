"""Feeling: the sentiment of a user's message, kept as a number when its text is set apart.

It outlives the text, which expires, and is worked out only where the text itself may be kept. VADER (Hutto and Gilbert
2014) knows English alone.
"""

import re
from functools import cache
from typing import Any

import msgspec
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rollbook.store.asking.conversations import BOT, LEARNER, RECEIVED, SENT

# VADER's time grows with the square of the emoji in a text
MOST_CHARACTERS = 1_000
MOST_EMOJI = 20
DECIMALS = 4

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_EMOJI = re.compile(r"[\u2190-\u2bff\ufe0f\U00010000-\U0010ffff]")
_LATIN = re.compile(r"[a-zA-Z]")

# words of no other language; and those that give away another one
_ENGLISH_WORDS = """
    the and is are was it this that of to you i my what how why not can could do does dont have with for but
"""
_OTHER_WORDS = """
    der die das und ist nicht ich ein eine wie warum mit für auf zu den von le la les et est je que une des pas pour
    dans el los las es y no una por para con cómo il che di non per sono o os as não um uma é het een van niet en dat
    wat hoe och att det som jag inte
"""
_ENGLISH, _FOREIGN = frozenset(_ENGLISH_WORDS.split()), frozenset(_OTHER_WORDS.split())


def felt(type: str, properties: bytes, words: bytes) -> bytes:
    """The properties with the `sentiment` of a user's message; what the sender says of it stays."""
    told: dict[str, Any] = msgspec.json.decode(properties)
    if "sentiment" in told or not _is_users(type.lower(), told.get("role")):
        return properties
    said = msgspec.json.decode(words)
    text = "\n".join(one for one in said.values() if isinstance(one, str))[:MOST_CHARACTERS]
    found = sentiment(text, told.get("language")) if text else None
    return properties if found is None else msgspec.json.encode(told | {"sentiment": found})


def sentiment(text: str, language: object = None) -> float | None:
    """From -1 (negative) to 1 (positive), 0 where no word says anything; None: it is not English."""
    if not _is_english(text, language):
        return None
    return round(float(_reader().polarity_scores(_with_few_emoji(text))["compound"]), DECIMALS)


def _is_users(kind: str, role: object) -> bool:
    if kind not in SENT + RECEIVED:
        return False
    who = role.lower() if isinstance(role, str) else ""
    return who in LEARNER or (who not in BOT and kind in SENT)


def _is_english(text: str, language: object) -> bool:
    """As the sender says; else, written in Latin letters, unless more of the words speak for another language."""
    if isinstance(language, str) and language:
        return language.lower()[:2] == "en"
    words = _WORD.findall(text.lower())
    if words and not _LATIN.search(text):
        return False
    return sum(word in _FOREIGN for word in words) <= sum(word in _ENGLISH for word in words)


def _with_few_emoji(text: str) -> str:
    places = [found.start() for found in _EMOJI.finditer(text)]
    return (
        text if len(places) <= MOST_EMOJI else text[: places[MOST_EMOJI]] + _EMOJI.sub(" ", text[places[MOST_EMOJI] :])
    )


@cache
def _reader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
