"""The step that holds events against their tenant's definitions: what breaks them is refused, or marked."""

from rollbook.governance.definitions import Checks
from rollbook.ingest.batch import Batch
from rollbook.ingest.enriching.context import PROBLEMS, with_context
from rollbook.ingest.reasons import Refusal
from rollbook.settings import Settings


def check(batch: Batch, settings: Settings) -> None:
    """Hold the properties, as they were sent, against the definitions of their tenants, where those have any."""
    if batch.definitions is None:
        return
    found = {tenant: checks for tenant in batch.tenants() if (checks := batch.definitions.checks(tenant)) is not None}
    if not found:
        return
    refused: dict[int, Refusal] = {}
    for place, event in enumerate(batch.events):
        checks = found.get(event.tenant or "")
        if checks is None:
            continue
        refusal, problems = _held(checks, event.type, batch.properties[place])
        if refusal is not None:
            refused[place] = refusal
        elif problems:
            batch.properties[place] = with_context(batch.properties[place], {PROBLEMS: problems})
            batch.notes[event.tenant or "", "invalid"] += 1
    if refused:
        batch.refuse(refused)
        batch.properties = [text for place, text in enumerate(batch.properties) if place not in refused]


def _held(checks: Checks, type: str, properties: bytes) -> tuple[Refusal | None, list[str]]:
    """Why an event is refused, if it is; else what is wrong with it."""
    compiled = checks.compiled.get(type)
    if compiled is None:
        if not checks.refuses_unknown:
            return None, []
        return Refusal("unknown_type", f"event type {type!r} has no definition"), []
    problems = compiled.problems(properties)
    if problems and checks.strict:
        return Refusal("invalid_schema", "; ".join(problems)), []
    return None, problems
