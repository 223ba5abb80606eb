"""Rules: of whom which purpose is allowed, worked out from what people have said and how old they are."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from rollbook.governance.ages import is_child
from rollbook.governance.consent.purposes import PURPOSES, Purpose, holds
from rollbook.governance.people import Person
from rollbook.governance.tenants import TenantSettings
from rollbook.store.records.database import Record

ANYTHING = "*"

# what a user has last said, by purpose and capacity; capacity `last`: whoever spoke last
Said = dict[tuple[str, str], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """`default` for everyone but `exceptions`, of whom the opposite holds; `nobody`: for events without a user.

    `is_erased`: who was erased, of whom nothing is allowed; None: nobody was.
    """

    default: bool
    exceptions: frozenset[str] = frozenset()
    nobody: bool = True
    is_erased: Callable[[str], bool] | None = None

    def may(self, user: str) -> bool:
        """Whether it is allowed of a user (as stored; "": an event of nobody)."""
        if not user:
            return self.nobody
        if self.is_erased is not None and self.is_erased(user):
            return False
        return self.default != (user in self.exceptions)

    def whole(self) -> bool:
        """Whether it is allowed of everyone."""
        return self.default and self.nobody and not self.exceptions and self.is_erased is None


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules of a tenant by purpose; of the `restricted` everything is kept and nothing used.

    `barred`: by purpose, who of those that anything is known of must be left out.
    """

    rules: dict[Purpose, Rule]
    restricted: frozenset[str] = frozenset()
    barred: dict[Purpose, tuple[str, ...]] = field(default_factory=dict)

    def may_use(self, user: str, purpose: Purpose) -> bool:
        """Whether events of a user may be used for a purpose."""
        return user not in self.restricted and self.rules["analytics"].may(user) and self.rules[purpose].may(user)


@dataclass(slots=True)
class Facts:
    """What a tenant's standing follows from: settings, the day, who is how old, and what users have last said."""

    settings: TenantSettings
    day: date
    people: dict[str, Person]
    said: dict[str, Said] = field(default_factory=dict)

    def hear(self, rows: Iterable[Record], same: Iterable[tuple[str, str]]) -> set[str]:
        """Take in decisions, for `same` ids of a person alike, in their order; of whom they were."""
        ids: dict[str, list[str]] = {}
        for user, other in same:
            ids.setdefault(user, [user]).append(other)
        heard: set[str] = set()
        for row in sorted(rows, key=lambda row: row["number"]):
            for user in ids.get(row["user"], [row["user"]]):
                said = self.said.setdefault(user, {})
                said[row["purpose"], row["capacity"]] = said[row["purpose"], "last"] = row["given"]
                heard.add(user)
        return heard

    def allows(self, user: str, purpose: Purpose) -> bool:
        """Whether a purpose is allowed of a user, taken by itself."""
        said = self.said.get(user, {})
        if is_child(self.people.get(user), self.settings, self.day):
            # what a child does not want is not done, whatever the guardian says
            return said.get((purpose, "guardian"), False) and said.get((purpose, "person"), True)
        return said.get((purpose, "last"), holds(self.settings, purpose))

    def restricts(self, user: str) -> bool:
        """Whether nothing of a user may be used."""
        return not self.said.get(user, {}).get((ANYTHING, "person"), True)


def standing(facts: Facts) -> Standing:
    """The standing that follows from the facts."""
    stranger = is_child(None, facts.settings, facts.day)
    rules = {}
    for purpose in PURPOSES:
        usual = holds(facts.settings, purpose)
        nobody = True if purpose in ("analytics", "prediction") else usual
        rules[purpose] = Rule(usual and not stranger, nobody=nobody)
    nothing: dict[Purpose, tuple[str, ...]] = dict.fromkeys(PURPOSES, ())
    return changed(Standing(rules, barred=nothing), facts, facts.said.keys() | facts.people.keys())


def changed(before: Standing, facts: Facts, users: Collection[str]) -> Standing:
    """The same standing, with some users looked at anew."""
    rules = {}
    for purpose, rule in before.rules.items():
        others = {user for user in users if facts.allows(user, purpose) != rule.default}
        rules[purpose] = replace(rule, exceptions=rule.exceptions.difference(users) | others)
    restricted = before.restricted.difference(users) | {user for user in users if facts.restricts(user)}
    found = Standing(rules, restricted)
    for purpose, barred in before.barred.items():
        others = {user for user in users if not found.may_use(user, purpose)}
        found.barred[purpose] = tuple(sorted(others.union(barred).difference(users) | others))
    return found
