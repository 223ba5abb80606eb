"""What Rollbook raises on purpose, as a tree; each class carries its HTTP status and its exit code.

RollbookError
├─ BadRequest        the caller can send it differently
│  ├─ NotJson        the body is not what its content type says
│  ├─ TooLarge       over a limit that is a setting
│  └─ Invalid        well formed, but a value is wrong
├─ Unauthenticated   no key, token or session, or none that is good
├─ Forbidden         known, but may not do this
├─ TooMany           called too often; may call again later
├─ NotFound          no question, event type or record of that name
├─ Conflict          another process holds the data folder
└─ Unavailable       the store cannot take or answer it now; the same call may work later
   └─ QueryTimeout   the question needed longer than the limit
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class RollbookError(Exception):
    """Anything that Rollbook refuses or cannot do; the message says what was wrong and what would be right."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str, *, rejected: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.rejected = list(rejected)

    def body(self) -> dict[str, Any]:
        """The JSON answer: `{"detail": text}`, with `rejected` where single events were refused."""
        return {"detail": self.detail, "rejected": self.rejected} if self.rejected else {"detail": self.detail}


class BadRequest(RollbookError):
    """The request cannot be served as it is."""

    status = 400
    exit_code = 2


class NotJson(BadRequest):
    """The body cannot be read; the message says where."""


class TooLarge(BadRequest):
    """More than a limit allows; the message names the limit and its setting."""

    status = 413


class Invalid(BadRequest):
    """A value is wrong; the message names it, and what would be right."""

    status = 422


class Unauthenticated(RollbookError):
    """Who calls is not known: no key, token or session, or none that is good."""

    status = 401
    exit_code = 5

    def __init__(self, detail: str, *, was_good: bool = False) -> None:
        """`was_good`: what was shown is genuine but over (expired, revoked), so nobody was guessing."""
        super().__init__(detail)
        self.was_good = was_good


class Forbidden(RollbookError):
    """Who calls is known, but may not do this; the message says who may."""

    status = 403
    exit_code = 5


class TooMany(RollbookError):
    """Called too often; the same call may work after `retry_after_seconds`. `headers` say which limit it was."""

    status = 429
    exit_code = 4

    def __init__(
        self, detail: str, *, retry_after_seconds: int = 1, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers


class NotFound(BadRequest):
    """There is nothing of that name; the message lists what there is."""

    status = 404


class Conflict(RollbookError):
    """Another process holds the data folder."""

    status = 409
    exit_code = 3


class Unavailable(RollbookError):
    """The store cannot do it now. Nothing was acknowledged; the same call may work after `retry_after_seconds`."""

    status = 503
    exit_code = 4

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class QueryTimeout(Unavailable):
    """A question ran longer than MAX_QUERY_EXECUTION_TIME_MS allows."""

    status = 504
