"""The master key: what all tenants' keys are kept encrypted under. It comes from outside, or from a file."""

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from rollbook.errors import Invalid, Unavailable
from rollbook.settings import Settings

BYTES = 32
FILE = "master.key"
RIGHT = "must be 32 bytes in base64 or hex; `openssl rand -base64 32` makes one"


def master_key(settings: Settings, sealed_before: Callable[[], bool]) -> bytes:
    """The key of ROLLBOOK_MASTER_KEY, else of the file ROLLBOOK_MASTER_KEY_FILE, else of the data folder.

    The last is made if it is not there and nothing was `sealed_before`. Raises Invalid, or Unavailable where the key is
    lost.
    """
    if settings.master_key is not None:
        return _read(settings.master_key.get_secret_value(), "ROLLBOOK_MASTER_KEY")
    if settings.master_key_file is not None:
        return _from_file(settings.master_key_file)
    path = settings.data / FILE
    if not path.exists():
        if sealed_before():
            raise Unavailable(
                f"the master key is not there: {path} is missing, and neither ROLLBOOK_MASTER_KEY nor "
                "ROLLBOOK_MASTER_KEY_FILE is set; what was encrypted under it can be read only with it"
            )
        _make(path)
    return _from_file(path)


def _from_file(path: Path) -> bytes:
    try:
        return _read(path.read_text("ascii"), str(path))
    except (OSError, UnicodeError) as error:
        raise Invalid(f"the master key cannot be read from {path}: {error}") from error


def _read(text: str, where: str) -> bytes:
    """The key in a text. What the text was is never told."""
    text = text.strip()
    with contextlib.suppress(ValueError, binascii.Error):
        found = bytes.fromhex(text) if len(text) == 2 * BYTES else _from_letters(text)
        if len(found) == BYTES:
            return found
    raise Invalid(f"the master key in {where} {RIGHT}")


def _from_letters(text: str) -> bytes:
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _make(path: Path) -> None:
    """Write a new key; it is there whole or not at all, and the first of two processes wins."""
    draft = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
