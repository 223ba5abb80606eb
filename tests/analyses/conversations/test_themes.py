"""Themes: planted ones are found, and nothing that few people said."""

import random

from rollbook.analyses.conversations.themes import themes, words

SUBJECTS = {
    "fractions": ["fraction", "numerator", "denominator", "simplify", "divide", "half", "quarter"],
    "plants": ["leaf", "chlorophyll", "photosynthesis", "sunlight", "glucose", "oxygen", "stomata"],
    "history": ["empire", "emperor", "roman", "republic", "senate", "caesar", "legion"],
}


def said(seed: int, number: int) -> tuple[list[str], list[int], list[str]]:
    """Messages of 30 people about three subjects, the people, and what each is about."""
    chance = random.Random(seed)
    about = [chance.choice(sorted(SUBJECTS)) for _ in range(number)]
    texts = [
        f"Can you please explain the {' '.join(chance.sample(SUBJECTS[one], 3))} again, question {n}?"
        for n, one in enumerate(about)
    ]
    return texts, [chance.randrange(30) for _ in range(number)], about


def test_planted_themes_are_found() -> None:
    texts, people, about = said(7, 400)
    found = themes(texts, people, 3, 5)
    assert len(found) == 3
    for theme in found:
        subjects = [about[place] for place in theme.messages]
        main = max(set(subjects), key=subjects.count)
        assert subjects.count(main) / len(subjects) > 0.97
        assert set(theme.terms) <= set(SUBJECTS[main])
    assert sum(len(theme.messages) for theme in found) == 400
    sizes = [len(theme.messages) for theme in found]
    assert sizes == sorted(sizes, reverse=True)


def test_the_same_messages_give_the_same_themes() -> None:
    texts, people, _ = said(8, 120)
    assert themes(texts, people, 5, 5) == themes(texts, people, 5, 5)


def test_a_word_of_few_people_is_never_shown() -> None:
    texts, people, _ = said(9, 200)
    secret = [
        f"{text} my neighbour Zebulon" if person < 4 else text for text, person in zip(texts, people, strict=True)
    ]
    shown = {term for theme in themes(secret, people, 10, 5) for term in theme.terms}
    assert shown
    assert not shown & {"zebulon", "neighbour"}


def test_nothing_said_is_no_theme() -> None:
    assert themes([], [], 5, 5) == []
    assert themes(["", "1 2 3", "the and why"] * 9, list(range(27)), 5, 5) == []
    assert themes(["algebra"] * 9, [1] * 9, 5, 5) == []


def test_what_a_word_is() -> None:
    assert words("Don't the x2 FRACTIONS' über_räume? l'équation") == ["fractions", "über", "räume", "léquation"]
