"""A small OpenID Connect provider of our own, on this machine: it signs with RS256 and checks PKCE."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.services import free_port

CLIENT, SECRET = "rollbook", "s3cret/+"
ADA = {"sub": "ada", "name": "Ada Lovelace", "roles": ["staff"]}


@dataclass
class Provider:
    """Whom it vouches for next, and what it was asked; `change` alters the claims that it signs."""

    port: int = field(default_factory=free_port)
    claims: dict[str, Any] = field(default_factory=lambda: dict(ADA))
    change: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = "first"

    @property
    def issuer(self) -> str:
        """Its name."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """The environment of a Rollbook that uses it."""
        return {
            "ROLLBOOK_OIDC_ISSUER": self.issuer,
            "ROLLBOOK_OIDC_CLIENT_ID": CLIENT,
            "ROLLBOOK_OIDC_CLIENT_SECRET": SECRET,
            "ROLLBOOK_OIDC_ROLES": "staff=educator,it=admin",
        }

    def id_token(self, nonce: str) -> str:
        """What it signs."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        signed = claims | self.claims | self.change
        kept = {name: value for name, value in signed.items() if value is not None}
        return jwt.encode(kept, self.key, "RS256", headers={"kid": self.kid})

    async def discovery(self, _: Request) -> Response:
        """What it says of itself."""
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def keys(self, _: Request) -> Response:
        """Its public key."""
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [public | {"kid": "first", "alg": "RS256", "use": "sig"}]})

    async def authorize(self, request: Request) -> Response:
        """Vouch at once: who is asked about has said yes."""
        asked = dict(request.query_params)
        self.asked.append(asked)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"]
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def token(self, request: Request) -> Response:
        """An ID token for a code, once, to the client that has the secret of PKCE."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        shown = base64.b64encode(f"{CLIENT}:s3cret%2F%2B".encode()).decode()
        right = (
            asked is not None
            and asked["code_challenge"] == challenge
            and asked["redirect_uri"] == form.get("redirect_uri")
            and form.get("grant_type") == "authorization_code"
            and request.headers.get("authorization") == f"Basic {shown}"
        )
        if not right or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])})


@contextmanager
def running() -> Iterator[Provider]:
    """The provider, in a thread of this process."""
    provider = Provider()
    routes = [
        Route("/.well-known/openid-configuration", provider.discovery),
        Route("/keys", provider.keys),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=provider.port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield provider
    finally:
        server.should_exit = True
        thread.join()
