"""Words: what is taken out of other people's texts, and what is left alone."""

import pytest

from rollbook.store import Store
from rollbook.store.erasing import Erasing, finder
from tests.stories import happened, tell

PERSON = "ada/lovelace-é"


@pytest.mark.parametrize(
    ("word", "text", "left"),
    [
        (PERSON, '{"note":"with ada/lovelace-é, ada/lovelace-é"}', '{"note":"with erased, erased"}'),
        (PERSON, '{"note":"ada\\/lovelace-\\u00e9"}', '{"note":"erased"}'),
        (PERSON, '{"note":"line\\nada/lovelace-é"}', '{"note":"line\\nerased"}'),
        (PERSON, '{"note":"ada/lovelace-éa, xada/lovelace-é"}', '{"note":"ada/lovelace-éa, xada/lovelace-é"}'),
        # a short id may mean anything, unless a key says that it is a person
        ("ann", '{"peer_id":"ann","note":"ann"}', '{"peer_id":"erased","note":"ann"}'),
        ("12345", '{"user": "12345","page":"12345"}', '{"user": "erased","page":"12345"}'),
        ("123456789", '{"page":"123456789"}', '{"page":"erased"}'),
    ],
)
def test_names_in_other_peoples_events(store: Store, tenant: str, word: str, text: str, left: str) -> None:
    tell(store, tenant, [happened("view", "bob", properties=text), happened("view", "bob")])
    erasing = Erasing(store.engine)
    with erasing.of([word], [word]):
        changed = erasing.redact(tenant)
    assert changed == ({} if left == text else {"events": 1})
    sql = "select properties from events where tenant = {tenant:String} and properties != '{}'"
    assert [row["properties"] for row in store.engine.query(sql, {"tenant": tenant})] == [left]


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("ada@school", '{"user_id": "ada@school"}', True),
        ("ada@school", '{"user_id": "ada@schools"}', False),
        ("ada@school", "not JSON: ada@school", True),
        ("7", '{"user_id": 7}', True),
        ("7", '{"user_id": 77, "page": 7}', False),
    ],
)
def test_names_in_dead_letters(word: str, text: str, found: bool) -> None:
    assert bool(finder([word]).search(text)) is found


def test_a_mutation_that_a_crash_left_does_nothing_and_is_given_up(store: Store, tenant: str) -> None:
    tell(store, tenant, [happened("view", "ada"), happened("view", "bob", properties='{"peer":"ada-the-first"}')])
    erasing = Erasing(store.engine)
    # nobody is in the table in memory, as after a crash
    assert erasing.held(tenant) == {}
    assert erasing.remove(tenant) == {}
    for target in erasing.targets():
        if target.texts:
            store.engine.command(
                f"alter table {target.table} update {target.renamed} where {target.named}",
                {"tenant": tenant},
                settings={"mutations_sync": 2},
            )
    sql = 'select count() as n, countIf(properties = \'{"peer":"ada-the-first"}\') as same from events'
    assert store.engine.query(sql + " where tenant = {tenant:String}", {"tenant": tenant}) == [{"n": 2, "same": 1}]
    with erasing.of(["ada"]):
        assert erasing.held(tenant)["events"] == 1
