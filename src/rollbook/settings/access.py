"""Settings of access: who may call, with what, and how often."""

from typing import Literal

from pydantic import BaseModel

from rollbook.settings.form import named


class AccessSettings(BaseModel):
    """Who may call."""

    auth: Literal["required", "none"] = named(
        "required",
        "ROLLBOOK_AUTH",
        why="`required`: every call needs a key, a token or a session; `none`: open, and this machine only.",
    )
