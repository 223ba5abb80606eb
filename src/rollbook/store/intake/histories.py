"""Histories: since when a user is known, and on how many days they were active, as the rollups have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollbook.store.engine import Engine, batches

FOUND = """
select user, first, days from
    (select user, any(person) as person, min(first) as first from people
     where tenant = {tenant:String} and user in {users:Array(String)} group by user) as known
left join
    (select person, uniqExact(day) as days from learner_days
     where tenant = {tenant:String} and person in (select sipHash64(arrayJoin({users:Array(String)}))) group by person)
    as active
using person
"""


@dataclass(frozen=True, slots=True)
class History:
    """When the first event of a user was, and on how many days they were active."""

    first: datetime
    days: int


def of_users(engine: Engine, tenant: str, users: Sequence[str]) -> dict[str, History]:
    """What the rollups know of some users; who came today only is not among them yet."""
    found: dict[str, History] = {}
    for some in batches(list(users)):
        rows = engine.query(FOUND, {"tenant": tenant, "users": some}, unlimited=True)
        found |= {row["user"]: History(row["first"], row["days"]) for row in rows}
    return found
