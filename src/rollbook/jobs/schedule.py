"""All tasks, in one table: what runs, how often, and why."""

from collections.abc import Callable
from dataclasses import dataclass

from rollbook.governance.audit import expiry as trail_expiry
from rollbook.governance.lifecycle import Expiry
from rollbook.ingest import dead_letters as letters
from rollbook.ingest.intake import Intake
from rollbook.ingest.permitting import texts
from rollbook.store.intake import layouts


@dataclass(frozen=True, slots=True)
class Task:
    """Something done again and again; `every_seconds` counts from the end of one run to the start of the next."""

    name: str
    every_seconds: float
    run: Callable[[Intake], object]
    why: str


def _sign_heads(intake: Intake) -> None:
    if intake.trail is not None:
        intake.trail.tend()


def _lay_out(intake: Intake) -> None:
    if intake.store.may_write():
        layouts.lay_out(intake.store.engine)


def _expire_trail(intake: Intake) -> None:
    if intake.trail is not None and intake.store.may_write():
        trail_expiry.expire(intake.store, intake.trail)


TASKS: tuple[Task, ...] = (
    Task("tend", 1, lambda intake: intake.tend(), "keys and counts go to their tables"),
    Task("roll", 5, lambda intake: intake.store.rollups.roll(), "days that have become quiet are rolled up"),
    Task("lay_out", 600, _lay_out, "questions of courses need not read what is of others"),
    Task("lease", 2, lambda intake: intake.renew(), "of several processes on a server one writes"),
    Task("expire_keys", 3600, lambda intake: intake.expire(), "ids are remembered for the window, no longer"),
    Task("expire_letters", 3600, letters.expire, "dead letters hold what people sent"),
    Task("expire_texts", 3600, texts.expire, "what people write to an AI is kept for days only"),
    Task("heads", 1, _sign_heads, "ends of the audit trail are signed"),
    Task("room", 2, lambda intake: intake.room.look(), "events are refused before the disk is full"),
    Task("lifecycle", 3600, lambda intake: Expiry(intake.store).run(), "what is old enough is archived or deleted"),
    Task("expire_audit", 3600, _expire_trail, "old lines go, behind a checkpoint"),
)
