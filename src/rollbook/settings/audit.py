"""Settings of the audit trail."""

from pydantic import BaseModel

from rollbook.settings.form import named


class AuditSettings(BaseModel):
    """What is written down of who saw what."""

    audit_days: int = named(
        3 * 365,
        "ROLLBOOK_AUDIT_DAYS",
        why="Lines of the audit trail are kept so long, and to the end of the month they are in.",
        ge=1,
    )
    audit_heads: str | None = named(
        None,
        "ROLLBOOK_AUDIT_HEADS",
        why="Where signed heads of the audit trail go: a file to append to, or an https address to POST to.",
        pattern=r"^(https://.+|http://(localhost|127\.0\.0\.1)[:/].*|[^:]+)$",
    )
    audit_heads_seconds: int = named(
        60, "ROLLBOOK_AUDIT_HEADS_SECONDS", why="How often heads are signed where lines came; also at a stop.", ge=1
    )
