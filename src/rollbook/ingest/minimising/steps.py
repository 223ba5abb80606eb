"""The steps that replace user ids by pseudonyms, and that scrub properties, for the tenants that want it."""

from collections.abc import Sequence

from rollbook.event import Event
from rollbook.governance.minimisation import naming, scrubbing
from rollbook.governance.pseudonyms import Chain
from rollbook.governance.tenants import TenantSettings
from rollbook.ingest.batch import Batch
from rollbook.settings import Settings

# of an id; and how many different ones are looked for in all the texts at once
BEGIN, FEW = 4, 16


def disguise(batch: Batch, settings: Settings) -> None:
    """Replace the users by their pseudonyms, and event ids that tell the user's by a digest."""
    if batch.pseudonyms is None:
        return
    tenants = batch.tenants()
    found = {tenant: batch.pseudonyms.chain(tenant) for tenant in tenants}
    batch.chains = {tenant: chain for tenant, chain in found.items() if chain is not None}
    if not batch.chains:
        return
    batch.users = users = [event.user or "" for event in batch.events]
    _hide_ids(batch, users)
    longest = settings.max_id_length
    if len(tenants) == 1 and max(map(len, users)) <= longest:
        stored = batch.chains[next(iter(tenants))].of_all(users)
    else:
        stored = [_stored(batch, event, longest) for event in batch.events]
    for event, name in zip(batch.events, stored, strict=True):
        event.user = name


def _stored(batch: Batch, event: Event, longest: int) -> str:
    """The user as it is stored; one that is too long is left, to be refused later."""
    chain, user = batch.chains.get(event.tenant or ""), event.user or ""
    return user if chain is None or len(user) > longest else chain.of(user)


def _hide_ids(batch: Batch, users: list[str]) -> None:
    told = [event for event, user in zip(batch.events, users, strict=True) if user in event.id]  # type: ignore[operator]
    for event in told:
        tenant, user, sent = event.tenant or "", event.user, event.id or ""
        if user and tenant in batch.chains and naming.is_word_in(user, sent):
            assert batch.pseudonyms is not None
            event.id = batch.pseudonyms.event_id(tenant, sent)
            batch.sent_as[event.id] = sent


def veil(batch: Batch, settings: Settings) -> None:
    """Replace user ids within the properties: under the names that are known, and the event's own user's anywhere."""
    if not batch.chains:
        return
    texts = batch.properties
    together = b"\n".join(texts)
    places: Sequence[int] = range(len(texts))
    if not naming.suspect(together) and b"\\" not in together:
        places = _naming_their_own([user.encode() for user in batch.users], texts, together)
    for place in places:
        if (chain := batch.chains.get(batch.events[place].tenant or "")) is not None:
            texts[place] = veiled(texts[place], batch.users[place], chain)


def _naming_their_own(users: Sequence[bytes], texts: Sequence[bytes], together: bytes) -> list[int]:
    """The places of texts that hold their own user's id. Ids often begin alike, and nothing in the texts does."""
    begins = {user[:BEGIN] for user in users}
    if len(begins) <= FEW and not any(begin in together for begin in begins):
        return []
    return [place for place, (user, text) in enumerate(zip(users, texts, strict=True)) if user in text]


def veiled(text: bytes, user: str, chain: Chain) -> bytes:
    """The properties of one event without the id of its `user`, or any under the names that are known."""
    if naming.suspect(text):
        text = naming.renamed(text, chain.of)
    if naming.is_own(user) and (user.encode() in text or b"\\" in text):
        return naming.without(text, user, chain.of(user))
    return text


def scrub(batch: Batch, settings: Settings) -> None:
    """Take e-mail addresses, phone numbers and names out of the properties."""
    if batch.pseudonyms is None:
        return
    wanted = {t: found for t in batch.tenants() if (found := batch.pseudonyms.tenants.settings(t)).scrub}
    if not wanted or not scrubbing.suspect(b"\n".join(batch.properties)):
        return
    for place, event in enumerate(batch.events):
        if (own := wanted.get(event.tenant or "")) is not None:
            batch.properties[place] = scrubbed(batch.properties[place], event.type, own)


def scrubbed(text: bytes, type: str, settings: TenantSettings) -> bytes:
    """The properties of one event of this type, scrubbed as its tenant wants it."""
    if not scrubbing.suspect(text):
        return text
    allowed = settings.scrub_allow
    return scrubbing.scrubbed(text, (*allowed.get("*", ()), *allowed.get(type, ())))
