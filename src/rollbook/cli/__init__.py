"""BY HAND: the command line; one file for each group of commands."""

from rollbook.cli import (
    ask,
    audit,
    bench,
    consent,
    dead_letters,
    demo,
    imports,
    keys,
    privacy,
    reference,
    segments,
    serve,
    verify,
)
from rollbook.cli.governance import events, lifecycle, roster, tenants
from rollbook.cli.shell import app

app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("import")(imports.import_events)
app.command("ask", context_settings=ask.FREE_OPTIONS)(ask.ask)
app.add_typer(segments.app, name="segment")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(tenants.app, name="tenant")
app.add_typer(roster.app, name="roster")
app.add_typer(events.app, name="events")
app.add_typer(privacy.app, name="privacy")
app.add_typer(keys.app, name="key")
app.command("token")(keys.token)
app.add_typer(audit.app, name="audit")
app.add_typer(consent.app, name="consent")
app.add_typer(lifecycle.lifecycle, name="lifecycle")
app.add_typer(lifecycle.archive, name="archive")
app.add_typer(lifecycle.hold, name="hold")
app.add_typer(lifecycle.compliance, name="compliance")
app.command("verify")(verify.verify)
app.command("bench")(bench.bench)
app.command("docs", hidden=True)(reference.docs)

__all__ = ["app"]
