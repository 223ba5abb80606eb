"""Packages: the zips of access requests, sealed in the data folder until their time is over."""

import os
from pathlib import Path

from rollbook.errors import NotFound
from rollbook.governance.pseudonyms import pseudonyms_of
from rollbook.store import Store

FOLDER = "packages"
CONTEXT = "package"


class Packages:
    """One file for each request; only Rollbook can read it."""

    def __init__(self, store: Store) -> None:
        self._folder = store.settings.data / FOLDER
        self._sealing = pseudonyms_of(store).sealing

    def write(self, tenant: str, request: str, content: bytes) -> None:
        """Keep a package; it is there whole or not at all."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sealed = self._sealing.seal(tenant, content, context=f"{CONTEXT} {request}", ring="people")
        draft = self._path(request).with_suffix(".part")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path(request))

    def read(self, tenant: str, request: str) -> bytes:
        """The zip. Raises NotFound."""
        try:
            sealed = self._path(request).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"the package of request {request} is gone; ask for another") from error
        return self._sealing.unseal(tenant, sealed, context=f"{CONTEXT} {request}", ring="people")

    def remove(self, request: str) -> bool:
        """Remove a package; whether there was one."""
        there = self._path(request).exists()
        for path in (self._path(request), self._path(request).with_suffix(".part")):
            path.unlink(missing_ok=True)
        return there

    def _path(self, request: str) -> Path:
        return self._folder / f"{request}.zip.sealed"
