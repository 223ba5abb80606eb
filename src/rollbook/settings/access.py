"""Settings of access: who may call, with what, and how often."""

import ipaddress
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, field_validator

from rollbook.settings.form import named


class AccessSettings(BaseModel):
    """Who may call."""

    auth: Literal["required", "none"] = named(
        "required",
        "ROLLBOOK_AUTH",
        why="`required`: every call needs a key, a token or a session; `none`: open, and this machine only.",
    )

    # keys and tokens
    key_grace_hours: int = named(
        24, "ROLLBOOK_KEY_GRACE_HOURS", why="How long the old secret of a rotated key stays good.", ge=0, le=24 * 90
    )
    jwt_secret_key: str = named(
        "",
        "JWT_SECRET_KEY",
        why="The operator's secret: tokens signed with it (HS256) speak for any tenant. Unset: there are none.",
        documents="4: your-jwt-secret-key",
    )
    jwt_issuer: str = named("", "ROLLBOOK_JWT_ISSUER", why="The `iss` that those tokens must have; unset: any.")
    jwt_audience: str = named("", "ROLLBOOK_JWT_AUDIENCE", why="The `aud` that those tokens must have; unset: any.")
    jwt_leeway_seconds: int = named(
        30, "ROLLBOOK_JWT_LEEWAY_SECONDS", why="How far the clocks of tokens' makers may differ.", ge=0, le=600
    )

    jwks_inside: str = named(
        "",
        "ROLLBOOK_JWKS_INSIDE",
        why="Hosts inside the operator's network where tenants may say their issuers' keys are, comma-separated.",
    )

    # how often
    rate_limit_per_minute: int = named(
        100,
        "RATE_LIMIT_PER_MINUTE",
        why="Calls in a minute from one address without a key or token; where it is set, of one key or person too.",
        documents="4: 100",
        ge=1,
    )
    rate_limit_per_key: int = named(
        600_000,
        "ROLLBOOK_RATE_LIMIT_PER_KEY",
        why="Calls in a minute of one key or person, where RATE_LIMIT_PER_MINUTE is not set; 0: no limit.",
        ge=0,
    )
    failed_per_minute: int = named(
        10,
        "ROLLBOOK_FAILED_PER_MINUTE",
        why="Wrong keys and tokens in a minute from one address; then it must wait, each time longer.",
        ge=1,
    )
    trusted_proxies: str = named(
        "",
        "TRUSTED_PROXIES",
        why="Proxies whose X-Forwarded-For is believed: addresses or networks (10.0.0.0/8), comma-separated.",
    )
    redis_url: str | None = named(
        None,
        "REDIS_URL",
        why="Redis, for limits and tickets that several processes share, `redis://…`; unset: each has its own.",
        documents="5: redis://localhost:6379/0",
    )
    redis_host: str | None = named(
        None, "REDIS_HOST", why="Redis in parts, where no REDIS_URL is set.", documents="2: localhost"
    )
    redis_port: int = named(6379, "REDIS_PORT", why="Its port.", documents="2: 6379", ge=1, le=65535)
    redis_db: int = named(0, "REDIS_DB", why="The number of its database.", documents="2: 0", ge=0)
    redis_password: str = named("", "REDIS_PASSWORD", why="Its password.")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        for one in filter(None, (part.strip() for part in text.split(","))):
            ipaddress.ip_network(one, strict=False)
        return text

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, text: str | None) -> str | None:
        if text is not None and not text.startswith(("redis://", "rediss://")):
            raise ValueError("must be redis://host:port/number or rediss://…")
        return text

    @property
    def jwks_hosts(self) -> frozenset[str]:
        """The hosts of `jwks_inside`."""
        return frozenset(filter(None, (host.strip().lower() for host in self.jwks_inside.split(","))))

    @property
    def redis(self) -> str | None:
        """Where Redis is; None: nowhere."""
        if self.redis_url or not self.redis_host:
            return self.redis_url
        password = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{password}{self.redis_host}:{self.redis_port}/{self.redis_db}"
