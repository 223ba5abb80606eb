"""Chain: how the ids of one tenant's users become pseudonyms.

The pseudonym of the first key is the digest of the id; that of each later key is the digest of the pseudonym before:
id -> p1_… -> p2_…. So a key can be changed although a digest cannot be undone: what is stored is carried forward, and
an id that comes in takes the whole way.
"""

import base64
import hmac
import re
from collections.abc import Sequence

# 18 of SHA-256's 32 bytes: 144 bits, which are 24 characters without padding
DIGEST_BYTES = 18
SHAPE = re.compile(r"p([1-9][0-9]{0,4})_[A-Za-z0-9_-]{24}", re.ASCII)

# ids in memory with their pseudonyms, so that most need no digest; about 40 MB when full
MOST_REMEMBERED = 200_000


def version_of(text: str) -> int | None:
    """The key's version of a text that has exactly the shape of a pseudonym; None: it has not."""
    found = SHAPE.fullmatch(text) if text[:1] == "p" else None
    return int(found[1]) if found else None


def digest(key: bytes, text: str) -> str:
    """HMAC-SHA-256 of the text's UTF-8 bytes, cut to DIGEST_BYTES, in url-safe base64."""
    found = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")[:DIGEST_BYTES]
    return base64.urlsafe_b64encode(found).decode()


def pseudonym(key: bytes, version: int, text: str) -> str:
    """The pseudonym of an id, or of an earlier pseudonym, under one key."""
    return f"p{version}_{digest(key, text)}"


class Chain:
    """The keys of one tenant, each with its version, the first first; `highest` of all versions there ever were.

    `known` are ids with their stored form.
    """

    def __init__(self, keys: Sequence[tuple[int, bytes]], highest: int) -> None:
        self._keys = list(keys)
        self._highest = highest
        self._live = {version for version, _ in keys}
        self.known: dict[str, str] = {"": ""}
        self._earlier: dict[str, tuple[str, ...]] = {}

    @property
    def was_changed(self) -> bool:
        """Whether anybody may have an earlier pseudonym that leads to the present one."""
        return len(self._keys) > 1

    def of(self, user: str) -> str:
        """The stored form of an id: its pseudonym under the newest key. The empty one stays empty."""
        found = self.known.get(user)
        if found is None:
            forms = self._forms(user)
            found = forms[-1]
            if len(self.known) >= MOST_REMEMBERED:
                self.known, self._earlier = {"": ""}, {}
            self.known[user] = found
            if len(forms) > 2:
                self._earlier[found] = tuple(forms[1:-1])
        return found

    def of_all(self, users: Sequence[str]) -> list[str]:
        """The stored forms of many."""
        found = list(map(self.known.get, users))
        if None in found:
            return [stored if stored is not None else self.of(user) for stored, user in zip(found, users, strict=True)]
        return found  # type: ignore[return-value]

    def forms(self, user: str) -> tuple[str, ...]:
        """All pseudonyms that an id ever had, the present one last."""
        forms = tuple(self._forms(user))
        return tuple(form for form in forms if version_of(form) is not None) or forms

    def carried(self, stored: str) -> str:
        """The present form of a pseudonym; any other text as it is."""
        return self.of(stored) if version_of(stored) in self._live else stored

    def earlier(self, stored: str) -> tuple[str, ...]:
        """The pseudonyms that a user had under earlier keys, as far as the id has come in since this was opened."""
        return self._earlier.get(stored, ())

    def _forms(self, user: str) -> list[str]:
        """The id, and its pseudonym under each key that comes after the one it has."""
        given = version_of(user)
        if given is not None and given <= self._highest and given not in self._live:
            # its key was destroyed: it leads nowhere any more
            return [user]
        since = given if given is not None and given in self._live else 0
        forms = [user]
        for version, key in self._keys:
            if version > since and user:
                forms.append(pseudonym(key, version, forms[-1]))
        return forms
