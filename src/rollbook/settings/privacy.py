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
    dead_letter_days: int = named(
        30, "ROLLBOOK_DEAD_LETTER_DAYS", why="Days that dead letters are kept, sealed; then they are deleted.", ge=1
    )
    sentiment: bool = named(
        True,
        "ROLLBOOK_SENTIMENT",
        why="Works out the sentiment of users' messages to an AI where their text may be kept.",
    )
    rights_days: int = named(
        30,
        "ROLLBOOK_RIGHTS_DAYS",
        why="Days within which a privacy request must be answered (GDPR Article 12: one month).",
        ge=1,
    )
    package_days: int = named(
        30, "ROLLBOOK_PACKAGE_DAYS", why="Days that the package of an access request can be downloaded.", ge=1
    )
