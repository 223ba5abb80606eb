"""Putting a roster: every entry is checked by itself, users are brought to their stored form, the rest is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rollbook.errors import TooLarge
from rollbook.governance.pseudonyms import known_as
from rollbook.governance.roster.items import (
    FORMS,
    KINDS,
    Counts,
    CourseItem,
    GuardianshipItem,
    IdentityItem,
    Item,
    Kind,
    MembershipItem,
    Outcome,
    PersonItem,
    Refusal,
    Told,
)
from rollbook.governance.tombstones import Tombstones, tombstones_of
from rollbook.store import Store
from rollbook.store.records.people.persons import PersonRow
from rollbook.store.records.people.roster import Roster, Row
from rollbook.store.records.people.written import Written

MOST_ITEMS = 10_000
ERASED = "this person was erased; readmit them first if they have come back"


@dataclass(frozen=True, slots=True)
class Saying:
    """Who tells a roster, and in which import: what a source no longer tells can be ended; see `Roster.end_unseen`."""

    source: str = "roster"
    seen: str = ""


def put(store: Store, tenant: str, told: Told, saying: Saying = Saying()) -> Outcome:
    """Write a roster in one transaction; the same again changes nothing. Raises TooLarge or Unavailable."""
    if (count := sum(len(told.items(kind)) for kind in KINDS)) > MOST_ITEMS:
        raise TooLarge(f"{count} entries, and a call takes {MOST_ITEMS}; send them in parts")
    forms = _Forms(store, tenant, saying, tombstones_of(store))
    outcome = Outcome()
    checked = {kind: list(_checked(kind, told.items(kind), forms, outcome)) for kind in KINDS}
    with store.records.people.roster(tenant) as roster:
        for kind in KINDS:
            places, rows = [at for at, _ in checked[kind]], [row for _, row in checked[kind]]
            done = _writer(roster, kind)(rows)
            setattr(outcome, kind, Counts(new=done.new, changed=done.changed, unchanged=done.unchanged))
            outcome.rejected += [Refusal(kind=kind, index=places[at], reason=why) for at, why in done.refused.items()]
    outcome.rejected.sort(key=lambda one: (KINDS.index(one.kind), one.index))
    return outcome


@dataclass(frozen=True, slots=True)
class _Forms:
    """Makes rows of items."""

    store: Store
    tenant: str
    saying: Saying
    buried: Tombstones

    def row(self, item: Item) -> PersonRow | Row:
        match item:
            case PersonItem():
                return self._person(item)
            case CourseItem():
                return _course(item)
            case MembershipItem():
                place = {"course": item.course_id, "user": self._known(item.user_id), "role": item.role}
                return place | self._lasting(item)
            case GuardianshipItem():
                ward, guardian = self._known(item.ward_id), self._known(item.guardian_id)
                if ward == guardian:
                    raise ValueError("nobody is their own guardian")
                return {"ward": ward, "guardian": guardian, "verified_by": item.verified_by} | self._lasting(item)
        raise ValueError(f"no entry of a roster: {type(item).__name__}")

    def _person(self, item: PersonItem) -> PersonRow:
        facts = item.model_dump(include=item.model_fields_set - {"user_id", "identities"})
        if "country" in facts:
            facts["country"] = (facts["country"] or "").upper()
        if "traits" in facts:
            facts["traits"] = facts["traits"] or {}
        others = tuple((one.scheme, self._other(one)) for one in item.identities)
        return PersonRow(self._known(item.user_id), facts, others)

    def _known(self, user: str) -> str:
        stored = known_as(self.store, self.tenant, user)
        if self.buried.is_erased(self.tenant, stored):
            raise ValueError(ERASED)
        return stored

    def _other(self, one: IdentityItem) -> str:
        return (
            self._known(one.value) if one.scheme == "user" else hidden(self.store, self.tenant, one.scheme, one.value)
        )

    def _lasting(self, item: MembershipItem | GuardianshipItem) -> dict[str, Any]:
        told = {"begins": item.begins, "ends": item.ends, "ref": item.ref}
        return told | {"source": self.saying.source, "seen": self.saying.seen}


def hidden(store: Store, tenant: str, scheme: str, value: str) -> str:
    """The stored form of an id of another scheme: it is no less a person's, so where users are pseudonyms, so is it."""
    named = f"{scheme}:{value.lower() if scheme == 'email' else value}"
    return known_as(store, tenant, named).removeprefix(f"{scheme}:")


def _course(item: CourseItem) -> Row:
    told = item.model_dump(include=item.model_fields_set - {"course_id", "ends"})
    row = {"id": item.course_id} | {name: value for name, value in told.items() if name == "starts"}
    names = {"title": "module", "presentation": "presentation"}
    row |= {names[name]: value or "" for name, value in told.items() if name in names}
    if "ends" in item.model_fields_set:
        row["days"] = (item.ends - item.starts).days if item.ends and item.starts else None
    return row


def _checked(kind: Kind, items: list[Any], forms: _Forms, outcome: Outcome) -> Iterator[tuple[int, Any]]:
    """The rows of the items that are well formed, each with its place; the others are refused."""
    for at, item in enumerate(items):
        try:
            yield at, forms.row(FORMS[kind].model_validate(item))
        except ValidationError as error:
            outcome.rejected.append(Refusal(kind=kind, index=at, reason=_why(error)))
        except ValueError as error:
            outcome.rejected.append(Refusal(kind=kind, index=at, reason=str(error)))


def _why(error: ValidationError) -> str:
    """What is wrong with an item, without the values: they may be a person's."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'entry'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
    )


def _writer(roster: Roster, kind: Kind) -> Callable[[list[Any]], Written]:
    writers: dict[Kind, Callable[[list[Any]], Written]] = {
        "people": roster.put_people,
        "courses": roster.put_courses,
        "memberships": roster.put_memberships,
        "guardianships": roster.put_guardianships,
    }
    return writers[kind]
