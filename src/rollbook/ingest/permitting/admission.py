"""Admission: which events a sender may send. The gate says who it is; here every event is held against that."""

from rollbook.ingest.batch import Batch
from rollbook.ingest.reasons import Refusal
from rollbook.settings import Settings


def admit(batch: Batch, settings: Settings) -> None:
    """Refuse events of another tenant than the sender's, and types that only a server may send."""
    sender = batch.sender
    if sender is None or (sender.tenant is None and not sender.barred_types):
        return
    refused: dict[int, Refusal] = {}
    for place, event in enumerate(batch.events):
        if sender.tenant is not None and event.tenant != sender.tenant:
            # counted as the sender's: nobody writes into another tenant's counters
            event.tenant = sender.tenant
            refused[place] = Refusal("foreign_tenant")
        elif event.type in sender.barred_types:
            refused[place] = Refusal("server_only_type", f"event type {event.type!r} may only be sent by a server")
    if refused:
        batch.refuse(refused)


def own(batch: Batch, settings: Settings) -> None:
    """A learner's own token writes only their own events; without a user they are theirs.

    Others write anybody's; what is without a user is theirs where the route says so.
    """
    sender = batch.sender
    if sender is None or sender.user is None:
        if sender is not None and sender.speaks_for:
            for event in batch.events:
                event.user = event.user or sender.speaks_for
        return
    refused: dict[int, Refusal] = {}
    for place, event in enumerate(batch.events):
        if not event.user:
            event.user = sender.user
        elif event.user != sender.user:
            refused[place] = Refusal("foreign_user")
    if refused:
        batch.refuse(refused)
