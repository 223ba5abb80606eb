"""The filter of keys: it misses none, takes few for known that are not, and survives being written down."""

from pathlib import Path

import mmh3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.ingest.once import filter as filters
from rollbook.ingest.once.filter import Filter, saved
from rollbook.store.keys import key_of, keys_of, number_of

KEYS = st.lists(st.binary(min_size=16, max_size=16), max_size=40)


def many(start: int, count: int) -> list[bytes]:
    """Keys of events that are numbered."""
    return keys_of("school", map(str, range(start, start + count)))


@given(KEYS, KEYS)
def test_what_was_told_is_never_missed(first: list[bytes], then: list[bytes]) -> None:
    # one block: every key meets every other
    filter = Filter(1)
    filter.tell(first)
    filter.tell(then)
    assert filter.may_hold([*first, *then]).all()


@given(KEYS)
def test_nothing_is_known_to_an_empty_filter(keys: list[bytes]) -> None:
    assert not Filter(1000).may_hold(keys).any()


def test_one_in_ten_thousand_is_taken_for_known() -> None:
    filter = Filter(200_000)
    filter.tell(many(0, 200_000))
    assert filter.may_hold(many(0, 200_000)).all()
    # 7.6 of a hundred thousand, by as much as chance may do
    assert filter.may_hold(many(10**9, 500_000)).sum() < 80


def test_an_overfull_filter_misses_none_either() -> None:
    filter = Filter(1000)
    filter.tell(many(0, 20_000))
    assert filter.may_hold(many(0, 20_000)).all()


def test_slices_are_put_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "SLICE", 7)
    filter = Filter(1000)
    filter.tell(many(0, 20))
    assert filter.may_hold([*many(0, 20), *many(10**6, 20)]).tolist() == [True] * 20 + [False] * 20


def test_it_is_the_same_when_it_was_written_down(tmp_path: Path) -> None:
    filter = Filter(5000)
    filter.tell(many(0, 5000))
    filter.save(tmp_path / "one.filter")
    asked = many(0, 50_000)
    assert (saved(tmp_path / "one.filter").may_hold(asked) == filter.may_hold(asked)).all()


@pytest.mark.parametrize("words", [np.zeros(16, np.uint32), np.zeros((2, 8), np.uint32), np.zeros((2, 16), np.int64)])
def test_a_file_of_anything_else_is_no_filter(tmp_path: Path, words: np.ndarray) -> None:
    np.save(tmp_path / "odd.npy", words)
    with pytest.raises(ValueError, match="no filter"):
        saved(tmp_path / "odd.npy")


@given(st.text(max_size=20), st.text(max_size=20))
def test_keys_as_bytes_and_as_numbers_are_the_same(tenant: str, event: str) -> None:
    (key,) = keys_of(tenant, [event])
    assert key == key_of(tenant, event)
    assert number_of(key) == mmh3.hash128(f"{tenant}\x1f{event}")
