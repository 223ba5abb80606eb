"""Watch: whether a stream may go on. What was allowed when it began may have ended since."""

import time
from collections.abc import Callable

from rollbook.governance.caller import Caller
from rollbook.governance.grants import Grant
from rollbook.governance.people import courses_of, same_person, wards_of
from rollbook.store import Store


class Watch:
    """Asked by every stream each second, in a thread (it may read the records); a stream that gets False closes.

    `is_good`: whether what a caller showed has not been revoked.
    """

    def __init__(
        self, store: Store, is_good: Callable[[Caller], bool], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._is_good = is_good
        self._clock = clock

    def still_good(self, grant: Grant) -> bool:
        """Whether the caller may still see all that the grant gave them when the stream began."""
        caller = grant.caller
        if caller is None:
            return True
        if caller.until is not None and self._clock() >= caller.until:
            return False
        return self._is_good(caller) and self._still_theirs(caller, grant)

    def _still_theirs(self, caller: Caller, grant: Grant) -> bool:
        if grant.courses is not None:
            now = courses_of(self._store, grant.tenant, caller.subject)
            if set(grant.courses) - set(now):
                return False
        others = set(grant.users or ()) - {caller.subject}
        if others and caller.subject:
            others -= set(same_person(self._store, grant.tenant, caller.subject))
        return not others - set(wards_of(self._store, grant.tenant, caller.subject)) if others else True
