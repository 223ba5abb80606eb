"""Settings of privacy: pseudonyms, consent, sealing."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from rollbook.settings.form import named


class PrivacySettings(BaseModel):
    """How people are protected."""

    master_key: SecretStr | None = named(
        None,
        "ROLLBOOK_MASTER_KEY",
        why="Encrypts the tenants' keys: 32 bytes in base64 or hex; unset: the file.",
    )
    master_key_file: Path | None = named(
        None,
        "ROLLBOOK_MASTER_KEY_FILE",
        why="Holds the master key; unset: `master.key` in the data folder, made at first use. On servers, name one.",
    )
