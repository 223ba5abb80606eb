"""Signing: tokens made with the operator's secret."""

import time
from collections.abc import Sequence
from typing import Any

import jwt

from rollbook.errors import Invalid
from rollbook.governance.caller import ROLES
from rollbook.settings import Settings

LONGEST_SECONDS = 366 * 86_400


def sign(settings: Settings, tenant: str, user: str, roles: Sequence[str], *, ttl_seconds: int = 3600) -> str:
    """A token of JWT_SECRET_KEY that says who someone is. Raises Invalid if that is unset, or for an unknown role."""
    if not settings.jwt_secret_key:
        raise Invalid("JWT_SECRET_KEY is not set; tokens are signed with it, and the server must have the same")
    if not tenant or not user:
        raise Invalid("a token needs a tenant and a user")
    if not roles or (unknown := [role for role in roles if role not in ROLES]):
        named = f"role {unknown[0]!r} is not known" if roles else "a token needs a role"
        raise Invalid(f"{named}; choose of {', '.join(ROLES)}")
    if not 1 <= ttl_seconds <= LONGEST_SECONDS:
        raise Invalid(f"a token lasts from 1 to {LONGEST_SECONDS} seconds, not {ttl_seconds}")
    now = int(time.time())
    claims: dict[str, Any] = {"sub": user, "tenant_id": tenant, "roles": list(roles), "iat": now}
    claims["exp"] = now + ttl_seconds
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    return jwt.encode(claims, settings.jwt_secret_key, algorithm="HS256")
