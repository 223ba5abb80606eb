"""What Redis holds of an erased person is removed, and nothing else."""

import pytest
from redis import Redis

from rollbook.errors import Unavailable
from rollbook.governance.rights.shared import forget, forget_events
from rollbook.settings import load
from rollbook.store.records.holdings import Known
from tests.services import redis_server


@pytest.mark.service("redis")
def test_redis_forgets_a_person() -> None:
    with redis_server() as url, Redis.from_url(url) as client:
        kept = {"rollbook:rate/t/token:bob/600": "3", "rollbook:ticket:1": '{"subject": "bob"}', "theirs": "token:ada"}
        gone = {"rollbook:rate/t/token:ada/600": "3", "rollbook:ticket:2": '{"subject": "ada"}'}
        client.mset(kept | gone)
        client.hset("rollbook:table", "ada", "1")
        assert forget(url, ["ada"]) == 2
        assert {key.decode() for key in client.scan_iter()} == {*kept, "rollbook:table"}
        assert forget(url, ["ada"]) == 0


def test_a_redis_that_does_not_answer_is_no_erasure() -> None:
    with pytest.raises(Unavailable, match="may still name somebody"):
        forget("redis://127.0.0.1:1/0", ["ada"])
    away = load(redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable, match="may still hold events"):
        forget_events(away, "default", Known(("ada",), (), ("ada",)))
