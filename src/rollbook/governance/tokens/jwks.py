"""JWKS: an issuer's public keys, fetched from its address and kept for a while. Source: RFC 7517."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

import httpx
import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from rollbook.errors import Invalid, Unavailable

log = structlog.get_logger()

KEPT_SECONDS = 600
# an unknown key id may be a new key: then they are fetched again, but not more often than this
AGAIN_AFTER_SECONDS = 30
TIMEOUT_SECONDS = 5
MOST_BYTES = 256 << 10
MOST_KEYS = 100
# requests that wait for one issuer; others, of other tenants, must not wait for it, too
MOST_WAITING = 8


class KeySet:
    """The public keys at one address. They stay good while they cannot be fetched again, as long as they are kept."""

    def __init__(
        self, url: str, *, clock: Callable[[], float] = time.monotonic, inside: Collection[str] | None = None
    ) -> None:
        """Raises Invalid unless the address is https, or http of this machine.

        `inside`: hosts that may have addresses which are not public, since a tenant names the host; None: any.
        """
        check_address(url)
        self.url = url
        self._inside = inside
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._fetching = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def key(self, kid: str | None) -> PyJWK | None:
        """The key of an id, or the only one where a token names none; None: the issuer has no such key.

        Raises Unavailable if the keys cannot be fetched. Blocks while they are.
        """
        now = self._clock()
        if now - self._fetched <= KEPT_SECONDS and (found := self._of(kid)) is not None:
            return found
        if not self._waiting.acquire(blocking=False):
            raise Unavailable(f"the keys of the token's issuer at {self.url} are being fetched; many wait for them")
        try:
            with self._fetching:
                return self._renewed(kid, now)
        finally:
            self._waiting.release()

    def _renewed(self, kid: str | None, now: float) -> PyJWK | None:
        if now - self._fetched > KEPT_SECONDS:
            self._keys = {}
        found = self._of(kid)
        if found is None and now - self._tried >= AGAIN_AFTER_SECONDS:
            self._tried = now
            self._keys = self._fetch()
            self._fetched = now
            found = self._of(kid)
        if found is None and now - self._fetched > KEPT_SECONDS:
            raise Unavailable(f"the keys of the token's issuer at {self.url} could not be fetched")
        return found

    def _of(self, kid: str | None) -> PyJWK | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _fetch(self) -> dict[str, PyJWK]:
        try:
            if self._inside is not None:
                check_public(self.url, self._inside)
            found = PyJWKSet.from_json(_read(self.url).decode())
        except (httpx.HTTPError, OSError, PyJWTError, ValueError, AttributeError, TypeError) as error:
            log.warning("issuer_keys_not_fetched", url=self.url, why=str(error) or type(error).__name__)
            raise Unavailable(f"the keys of the token's issuer at {self.url} cannot be fetched now") from error
        signing = [key for key in found.keys if key.public_key_use in (None, "sig")]
        return {key.key_id or "": key for key in signing[:MOST_KEYS]}


def check_address(url: str) -> None:
    """Raises Invalid unless the address of the keys is https, or http of this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_this_machine(parts.hostname or ""):
        return
    raise Invalid(f"jwks_url {url!r} must begin with https:// (http:// only for this machine)")


def check_public(url: str, inside: Collection[str]) -> None:
    """Raises ValueError if the host has an address that is not public, so that a tenant cannot make us knock at doors
    of the operator's network; but for hosts of `inside`, and http of this machine.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in inside or (parts.scheme == "http" and _is_this_machine(host)):
        return
    found = {info[4][0] for info in socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)}
    if any(not ipaddress.ip_address(str(address).split("%")[0]).is_global for address in found):
        raise ValueError(f"{host} is no public host, and ROLLBOOK_JWKS_INSIDE does not name it")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(url: str) -> bytes:
    """The answer, at most so long. No redirects: who answers for the issuer is decided by the setting alone."""
    held = bytearray()
    until = time.monotonic() + TIMEOUT_SECONDS
    plain = {"accept": "application/json", "accept-encoding": "identity"}
    with httpx.stream(
        "GET", url, headers=plain, timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
    ) as answer:
        if answer.status_code != 200:
            raise ValueError(f"it answers {answer.status_code}")
        # raw: what is short on the wire may be long when it is decompressed
        for piece in answer.iter_raw():
            held += piece
            if len(held) > MOST_BYTES:
                raise ValueError(f"it answers with more than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise ValueError(f"it takes longer than {TIMEOUT_SECONDS} seconds")
    return bytes(held)
