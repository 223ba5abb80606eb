"""Addresses: where a request comes from, also through proxies that are trusted."""

import ipaddress
from functools import lru_cache

from starlette.types import Scope

FORWARDED = b"x-forwarded-for"
MOST_REMEMBERED = 10_000


class Addresses:
    """The address of a request's sender. `trusted`: TRUSTED_PROXIES."""

    def __init__(self, trusted: str = "") -> None:
        parts = filter(None, (part.strip() for part in trusted.split(",")))
        self._trusted = tuple(ipaddress.ip_network(one, strict=False) for one in parts)
        self._is_trusted = lru_cache(MOST_REMEMBERED)(self._within)

    def __call__(self, scope: Scope) -> str:
        """The peer; where that is a trusted proxy, the last address before the trusted ones in X-Forwarded-For.

        What stands left of it anybody may have written.
        """
        peer: str = scope["client"][0] if scope.get("client") else ""
        if not self._trusted or not self._is_trusted(peer):
            return peer
        told = b",".join(value for name, value in scope["headers"] if name == FORWARDED).decode("latin-1")
        found = peer
        for one in reversed([part.strip() for part in told.split(",") if part.strip()]):
            if not _is_address(one):
                break
            found = one
            if not self._is_trusted(one):
                break
        return found

    def _within(self, text: str) -> bool:
        if not _is_address(text):
            return False
        address = _plain(text)
        return any(address in network for network in self._trusted if network.version == address.version)


def block(address: str) -> str:
    """What is counted as one sender: an IPv4 address, or the /64 that one sender of IPv6 has for itself."""
    if ":" not in address or not _is_address(address):
        return address
    plain = _plain(address)
    return str(plain) if plain.version == 4 else str(ipaddress.ip_network((plain, 64), strict=False))


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; IPv4 in IPv6 (::ffff:10.0.0.1) as IPv4."""
    address = ipaddress.ip_address(text)
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
