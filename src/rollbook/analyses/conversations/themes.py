"""Themes: what short texts are about, by the words they share (TF-IDF and non-negative matrix factorisation).

Sources: Salton and Buckley 1988 (TF-IDF), Lee and Seung 2001 (multiplicative updates), Boutsidis and Gallopoulos 2008
(NNDSVD, the start). Nothing is drawn: the same texts give the same themes.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

WORD = re.compile(r"[^\W\d_]{3,30}")
# a word in more of the messages than this tells none of them apart; unless few messages have any other
TOO_OFTEN = 0.6
FEW = 0.5
MOST_TERMS = 600
MOST_WORDS_OF_MESSAGE = 500
ROUNDS = 100
TINY = 1e-9

# of the languages that tutors are asked in most; other languages lose theirs by TOO_OFTEN
_STOP_WORDS = """
    about after again all also and any are ask because been before being but can cant could did didnt does doesnt doing
    done dont each else ever every for from get give got had has have having help her here him his how into its ive just
    know let like lot make many may maybe mean might more most much must need not now off okay one only other our out
    over own please put really same say see she should some something still such tell thank thanks that thats the their
    them then there these they thing think this those through too try understand use using very want was way well were
    what whats when where which while who whole why will with wont work would yes yet you your youre
    aber als auch auf aus bei bin bis bitte das dass dem den der des die dir doch ein eine einen einer eines ich ihr ist
    kann kein man mein mich mir mit nach nicht noch nur oder schon sein sich sie sind und uns von vor war warum was wenn
    wer werden wie wieder wird wir wurde zum zur
    avec ces cette dans des donc elle est être fait les leur mais mon nous par pas pour pourquoi que quel qui quoi sans
    ses son sur une vous como con cual del donde ella ellos esta este esto hay las los mas muy para pero por porque que
    quien sin sobre son sus una uno che chi come con cosa dal del della non per perché più sono una
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True)
class Theme:
    """The messages (by their place) of which it is the main theme, and its words, the weightiest first."""

    messages: tuple[int, ...]
    terms: tuple[str, ...]


def words(text: str) -> list[str]:
    """The words of a message that may tell what it is about."""
    found = WORD.findall(text.lower().replace("'", "").replace("\u2019", ""))
    return [word for word in found[:MOST_WORDS_OF_MESSAGE] if word not in STOP_WORDS]


def themes(texts: Sequence[str], people: Sequence[int], most: int, least_people: int) -> list[Theme]:
    """At most so many themes, the one with most messages first; only words that `least_people` have used count."""
    messages = [Counter(words(text)) for text in texts]
    terms = _terms(messages, people, least_people)
    place_of = {term: place for place, term in enumerate(terms)}
    counted = np.zeros((len(texts), len(terms)))
    for row, message in enumerate(messages):
        for word, count in message.items():
            if word in place_of:
                counted[row, place_of[word]] = 1 + np.log(count)
    known = np.flatnonzero(counted.any(axis=1))
    if not len(known):
        return []
    weights = _weighted(counted[known])
    rank = min(most, len(np.unique(weights.round(9), axis=0)))
    shares, parts = _factors(weights, rank)
    main = shares.argmax(axis=1)
    found = [Theme(tuple(map(int, known[main == n])), _named(parts[n], terms)) for n in range(rank)]
    return sorted((one for one in found if one.messages and one.terms), key=lambda one: (-len(one.messages), one.terms))


def _terms(messages: Sequence[Counter[str]], people: Sequence[int], least_people: int) -> list[str]:
    """The words that enough people use, and not too many messages hold; the most frequent."""
    users: dict[str, set[int]] = {}
    often: Counter[str] = Counter()
    for message, person in zip(messages, people, strict=True):
        for word in message:
            users.setdefault(word, set()).add(person)
            often[word] += 1
    usable = {word for word, users_of in users.items() if len(users_of) >= least_people}
    telling = {word for word in usable if often[word] <= TOO_OFTEN * len(messages)}
    covered = [sum(not words_of.isdisjoint(message) for message in messages) for words_of in (usable, telling)]
    chosen = telling if covered[1] > FEW * covered[0] else usable
    return sorted(sorted(chosen), key=lambda word: -often[word])[:MOST_TERMS]


def _weighted(counted: Matrix) -> Matrix:
    """Rows of length 1, a word the heavier the fewer messages hold it."""
    held = (counted > 0).sum(axis=0)
    weights = counted * (np.log((1 + len(counted)) / (1 + held)) + 1)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True))


def _factors(weights: Matrix, rank: int) -> tuple[Matrix, Matrix]:
    """How much of each theme is in each message, and of each term in each theme; their product is near the weights."""
    shares, parts = _start(weights, rank)
    for _ in range(ROUNDS):
        parts *= (shares.T @ weights) / (shares.T @ shares @ parts + TINY)
        shares *= (weights @ parts.T) / (shares @ (parts @ parts.T) + TINY)
    size = np.linalg.norm(parts, axis=1, keepdims=True) + TINY
    return shares * size.T, parts / size


def _start(weights: Matrix, rank: int) -> tuple[Matrix, Matrix]:
    """NNDSVD, from the eigenvectors of the terms; what is 0 starts as the mean, or it would stay so."""
    values, vectors = np.linalg.eigh(weights.T @ weights)
    mean = weights.mean() / 100
    shares, parts = np.full((len(weights), rank), mean), np.full((rank, weights.shape[1]), mean)
    for n in range(min(rank, len(values))):
        right = vectors[:, -1 - n]
        left = weights @ right
        positive, negative = (np.maximum(left, 0), np.maximum(right, 0)), (np.maximum(-left, 0), np.maximum(-right, 0))
        sizes = [float(np.linalg.norm(a) * np.linalg.norm(b)) for a, b in (positive, negative)]
        a, b = positive if sizes[0] >= sizes[1] else negative
        scale = float(np.sqrt(max(sizes)))
        if scale > 0:
            shares[:, n] += scale * a / np.linalg.norm(a)
            parts[n] += scale * b / np.linalg.norm(b)
    return shares, parts


def _named(part: Matrix, terms: Sequence[str]) -> tuple[str, ...]:
    """The words that weigh at least a fifth of the weightiest."""
    top = part.max(initial=0.0)
    weighty = [
        (-round(float(weight / top), 4), term) for weight, term in zip(part, terms, strict=True) if weight > top / 5
    ]
    return tuple(term for _, term in sorted(weighty)[:10])
