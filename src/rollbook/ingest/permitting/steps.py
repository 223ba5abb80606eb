"""The steps that hold events against people's decisions: who may be counted, and whose words may be kept."""

from collections.abc import Callable
from functools import partial

from rollbook.event import Event
from rollbook.governance.consent import Rule, Standing, standing_of
from rollbook.ingest.batch import Batch
from rollbook.ingest.permitting.feeling import felt
from rollbook.ingest.permitting.words import is_of_conversation, taken_apart
from rollbook.ingest.reasons import NOT_PERMITTED, Refusal, Rejected
from rollbook.settings import Settings
from rollbook.store import Store
from rollbook.store.privacy.message_texts import MessageText

Standings = Callable[[str], Standing]


def standings_of(store: Store) -> Standings:
    """How the people of a tenant stand, by the tenant's name."""
    return partial(standing_of, store)


def permit(batch: Batch, settings: Settings) -> None:
    """Refuse events of people of whom nothing may be counted. They are told to the sender, and kept nowhere."""
    rules = _rules(batch)
    if not rules:
        return
    refused = {
        place
        for place, event in enumerate(batch.events)
        if (rule := rules.get(event.tenant or "")) is not None and not rule.may(event.user or "")
    }
    batch.rejected += [_forgotten(batch, place) for place in sorted(refused)]
    if refused:
        batch.drop(refused)


def withhold(batch: Batch, settings: Settings) -> None:
    """Of what was refused for another reason, keep nothing either if it is of such people."""
    if not batch.rejected or batch.standing is None:
        return
    for place, one in enumerate(batch.rejected):
        rule = batch.standing(one.tenant).rules["analytics"]
        if one.kept and not rule.whole() and not rule.may(_user_of(batch, one)):
            batch.rejected[place] = Rejected(one.index, one.reason, one.detail, b"", one.stage, one.tenant, kept=False)


def set_apart(batch: Batch, settings: Settings) -> None:
    """Take what was written to and by an AI out of the properties, and keep it apart where that is allowed."""
    if batch.standing is None:
        return
    types = {type for type in batch.types() if is_of_conversation(type)}
    if not types and not any(found.conversation_id for found in batch.promoted):
        return
    for place, (event, found) in enumerate(zip(batch.events, batch.promoted, strict=True)):
        if event.type not in types and not found.conversation_id:
            continue
        rest, words = taken_apart(batch.properties[place])
        if words is None:
            continue
        batch.properties[place] = rest
        if batch.standing(event.tenant or "").may_use(event.user or "", "text"):
            if settings.sentiment:
                batch.properties[place] = felt(event.type, rest, words)
            batch.texts.append(_text(event, found.conversation_id, words))


def _rules(batch: Batch) -> dict[str, Rule]:
    """The rules of those tenants of the batch in which not everyone may be counted."""
    if batch.standing is None:
        return {}
    found = {tenant: batch.standing(tenant).rules["analytics"] for tenant in batch.tenants()}
    return {tenant: rule for tenant, rule in found.items() if not rule.whole()}


def _forgotten(batch: Batch, place: int) -> Rejected:
    refusal = Refusal(NOT_PERMITTED)
    tenant = batch.events[place].tenant or batch.tenant
    return Rejected(batch.positions[place], refusal.reason, refusal.detail, b"", batch.stage, tenant, kept=False)


def _user_of(batch: Batch, refused: Rejected) -> str:
    user = batch.dialect.user_of(refused.original)
    return batch.pseudonyms.of(refused.tenant, user) if user and batch.pseudonyms is not None else user


def _text(event: Event, conversation: str | None, words: bytes) -> MessageText:
    assert event.timestamp is not None
    return MessageText(
        tenant=event.tenant or "",
        id=event.id or "",
        user=event.user or "",
        conversation=conversation or "",
        timestamp=event.timestamp,
        text=words.decode(),
    )
