"""An issuer: RSA and EC keys, tokens signed with them, and a server of 127.0.0.1 that shows the public ones."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

NAME = "https://id.example.edu"
AUDIENCE = "rollbook"


class Issuer:
    """Signs tokens; its keys can be rotated, and its server counts who asks and can be broken."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {}
        self.url = ""
        self.asked = 0
        self.before: Callable[[], object] = lambda: None
        self.answer: tuple[int, bytes, dict[str, str]] | None = None
        self.rotate("first")

    def rotate(self, kid: str, *, kind: str = "RSA") -> None:
        """From now on one key, of this id."""
        made = rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
        self.keys = {kid: made}

    def token(
        self, tenant: str, *, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token of the current key; claims that are None are left out."""
        ((kid, key),) = self.keys.items()
        shown = {"kid": kid} if headers is None else headers
        return jwt.encode(self.claims(tenant, **claims), key, algorithm, headers=shown)

    def claims(self, tenant: str, **claims: Any) -> dict[str, Any]:
        """What a good token says, and `claims` on top."""
        now = int(time.time())
        usual = {"iss": NAME, "aud": AUDIENCE, "sub": "ada", "tenant_id": tenant, "roles": ["learner"], "iat": now}
        told = usual | {"exp": now + 600} | claims
        return {name: value for name, value in told.items() if value is not None}

    def public_pem(self) -> bytes:
        """The public key, as anybody can have it."""
        (key,) = self.keys.values()
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def shown(self) -> bytes:
        """The JWKS."""
        found = []
        for kid, key in self.keys.items():
            public = key.public_key()
            jwk = (
                RSAAlgorithm.to_jwk(public, as_dict=True)
                if isinstance(public, rsa.RSAPublicKey)
                else ECAlgorithm.to_jwk(public, as_dict=True)
            )
            found.append(jwk | {"kid": kid, "use": "sig"})
        return json.dumps({"keys": found}).encode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer whose keys are served."""
    issuer = Issuer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            issuer.before()
            status, body, headers = issuer.answer or (200, issuer.shown(), {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}/jwks"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
