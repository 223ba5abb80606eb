"""Grant: what a caller may see in one call. Questions and exports are narrowed to it where they read."""

import dataclasses
from dataclasses import dataclass

from rollbook.errors import Forbidden
from rollbook.governance.caller import Caller
from rollbook.store import Scope


@dataclass(frozen=True, slots=True)
class Grant:
    """`tenant`'s data: of `users` only (stored ids), of `courses` only, where they are named.

    `cells`: groups of fewer people than the tenant's smallest are withheld. `caller`: who; None: Rollbook itself.
    `part`: one part of an answer, a column of events and its value; it grants nothing.
    """

    tenant: str = "default"
    users: tuple[str, ...] | None = None
    courses: tuple[str, ...] | None = None
    cells: bool = False
    caller: Caller | None = None
    part: tuple[str, str] | None = None

    def narrow(self, scope: Scope) -> Scope:
        """The scope, cut to what may be seen. Raises Forbidden if it names people that may not be seen."""
        users = scope.users
        if self.users is not None:
            if users is not None and any(user not in self.users for user in users):
                raise Forbidden("you may not see the data of a user whom this names")
            users = users if users is not None else self.users
        courses = scope.courses
        if self.courses is not None:
            courses = self.courses if courses is None else tuple(one for one in courses if one in self.courses)
        return dataclasses.replace(scope, tenant=self.tenant, users=users, courses=courses)


def granted(grant: Grant | str) -> Grant:
    """The grant; a tenant's name alone stands for all of it, for callers inside the process."""
    return Grant(grant) if isinstance(grant, str) else grant
