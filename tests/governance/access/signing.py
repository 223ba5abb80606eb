"""Tokens for tests: good ones, and such as no library would sign."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from rollbook.errors import RollbookError, Unauthenticated
from rollbook.governance.tenants import tenants_of
from rollbook.governance.tokens import Tokens
from rollbook.settings import load
from rollbook.store import Store

SECRET = "the operator's own secret, of more than 32 bytes"


def made(store: Store, **settings: Any) -> Tokens:
    """The tokens of a server with these settings."""
    return Tokens(store, tenants_of(store), load(**({"jwt_secret_key": SECRET} | settings)))


def told(tenant: str, **claims: Any) -> dict[str, Any]:
    """What a good token of the operator says, and `claims` on top; None leaves one out."""
    usual = {"sub": "ada", "tenant_id": tenant, "roles": ["learner"], "exp": int(time.time()) + 600}
    return {name: value for name, value in (usual | claims).items() if value is not None}


def signed(claims: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    """A token of a secret."""
    return jwt.encode(claims, secret, algorithm, headers=headers or None)


def by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    """A token that no library would sign: HMAC-SHA-256 with any key, or no signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, claims)]
    body = b".".join(parts)
    signature = hmac.new(key, body, hashlib.sha256).digest() if key is not None else b""
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def refusal(call: Callable[[], object], kind: type[RollbookError] = Unauthenticated) -> RollbookError:
    """What a call is refused with."""
    with pytest.raises(kind) as caught:
        call()
    return caught.value
