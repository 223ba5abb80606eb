"""`rollbook demo`: a campus with 90 days behind it, made up once, then served."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from rollbook import logs
from rollbook.app import Rollbook
from rollbook.cli.listening import free_unless, listen
from rollbook.cli.options import Data, Host, Port
from rollbook.cli.reach import served
from rollbook.demo import COURSES, SEED, Learner, as_table, enrol, lived
from rollbook.errors import Invalid
from rollbook.settings import Settings, load
from rollbook.store import Store, events

FOLDER = Path("rollbook-data/demo")
MARK = "demo.json"
TENANT = "default"
DIALECT = "import:demo"
AT_ONCE = 100_000


def demo(
    *,
    learners: Annotated[int, typer.Option(min=1, max=20_000, help="How many learners.")] = 400,
    days: Annotated[int, typer.Option(min=1, max=730, help="How many days lie behind them.")] = 90,
    seed: Annotated[int, typer.Option(help="Another seed makes other people.")] = SEED,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it once it is made.")] = True,
    data: Data = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Make 90 days of believable data in a folder of its own (once), serve it, and say where to look."""
    settings = _open(load(data=data or FOLDER, host=host, port=port))
    logs.start(settings.model_copy(update={"log_level": "WARNING"}))
    address = served(settings.data)
    if address:
        typer.echo(f"The demo is being served already: open {address}")
        return
    _make_once(settings, learners, days, seed)
    if serving:
        chosen = settings if port is not None else settings.model_copy(update={"port": free_unless(settings)})

        def tell(address: str, key: str | None) -> None:
            ask = f"rollbook ask active_users --data {settings.data}"
            typer.echo(f"\nOpen {address}\nor: {ask}\n(Ctrl-C stops it; the data stays there)")
            if key is not None:
                typer.echo(f"Admin key of tenant {TENANT} (shown once): {key}")

        listen(chosen, tell)


def _open(settings: Settings) -> Settings:
    """The same, with open access unless ROLLBOOK_AUTH says otherwise: there is nothing to protect in made-up data."""
    return settings if "auth" in settings.model_fields_set else settings.model_copy(update={"auth": "none"})


def _make_once(settings: Settings, learners: int, days: int, seed: int) -> None:
    """Fill the folder. The mark says for which moment, so that what was interrupted goes on with the same events."""
    mark = settings.data / MARK
    if mark.exists() and json.loads(mark.read_text())["made"]:
        typer.echo(f"The demo's data is in {settings.data} already.")
        return
    with Rollbook(settings) as book:
        if mark.exists():
            plan = json.loads(mark.read_text())
        else:
            if events.last_received(book.store.engine) is not None:
                raise Invalid(f"{settings.data} holds other data; name an empty folder with --data")
            plan = {"until": datetime.now(UTC).isoformat(), "learners": learners, "days": days, "seed": seed}
            mark.write_text(json.dumps(plan | {"made": False}))
        typer.echo(f"Making up {plan['days']} days of {plan['learners']} learners …")
        count = _fill(book, plan)
        mark.write_text(json.dumps(plan | {"made": True}))
    typer.echo(f"{count:,} events in {settings.data}")


def _fill(book: Rollbook, plan: dict[str, int | str]) -> int:
    until = datetime.fromisoformat(str(plan["until"]))
    days, seed = int(plan["days"]), int(plan["seed"])
    first_day = (until - timedelta(days=days - 1)).date()
    people = enrol(int(plan["learners"]), first_day, days, seed)
    _put_records(book.store, people, days)
    rows = as_table(lived(people, until, tenant=TENANT, seed=seed))
    for start in range(0, len(rows), AT_ONCE):
        book.intake.load(rows.slice(start, AT_ONCE), DIALECT)
    book.store.rollups.roll(quiet_seconds=0)
    return len(rows)


def _put_records(store: Store, people: list[Learner], days: int) -> None:
    first = min(learner.joined for learner in people)
    tenant = {"tenant": TENANT}
    store.records.put_courses(
        tenant | {"id": course.id, "module": course.title, "presentation": "demo", "starts": first, "days": days}
        for course in COURSES
    )
    store.records.put_learners(tenant | {"id": one.id, "traits": {"device": one.device}} for one in people)
    store.records.put_enrolments(
        tenant | {"learner": one.id, "course": course.id, "registered": one.joined}
        for one in people
        for course in one.courses
    )
