"""The data folder: one process holds it at a time, and leaves there who it is and where it answers."""

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import IO, Any

from rollbook.errors import Conflict, Invalid


class Folder:
    """A held data folder. Raises Conflict if another process holds it, Invalid if it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # whoever may read the folder's files may do everything with what is in it; this shows it over HTTP
        self.secret = secrets.token_urlsafe(32)
        self._lock: IO[str] | None = None

    def hold(self) -> None:
        """Take the folder for this process; the lock goes with the process, however it ends."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise Invalid(
                f"data folder {self.path}: {error.strerror}; name another with --data or ROLLBOOK_DATA"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise Conflict(f"data folder {self.path} is held by {self._holder()}") from error
        # what a process left that ended without giving the folder back
        (self.path / "serve.json").unlink(missing_ok=True)
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def announce(self, address: str, certificate: str | None = None) -> None:
        """Say where this process answers, for the command line to call, and with which certificate (PEM)."""
        shown = {"certificate": certificate} if certificate else {}
        text = json.dumps({"address": address, "pid": os.getpid(), "secret": self.secret, **shown})
        place = self.path / "serve.json"
        # never for a moment readable by others, whatever was there
        place.unlink(missing_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            (self.path / "serve.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _holder(self) -> str:
        served = announced(self.path)
        if served:
            return f"process {served['pid']}, which serves {served['address']}"
        pid = (self.path / "lock").read_text().strip()
        return f"process {pid or 'unknown'}; wait for it, or stop it"


def announced(path: Path) -> dict[str, Any] | None:
    """What the serving process left: `address`, `pid` and `secret`; None if there is none."""
    try:
        served: dict[str, Any] = json.loads((path / "serve.json").read_text())
    except (OSError, ValueError):
        return None
    return served
