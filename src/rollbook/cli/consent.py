"""`rollbook consent`: what people decide about the use of their data."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from rollbook.cli import output
from rollbook.cli.options import AsJson, Data, Tenant, settings_of
from rollbook.cli.reach import reach

PATH = "/api/v2/consents"
CURRENT = ["purpose", "allowed", "because"]
HISTORY = ["at", "purpose", "given", "capacity", "kind", "decided_by", "evidence", "policy"]

User = Annotated[str, typer.Argument(help="Whose, as in events.", metavar="USER")]

app = typer.Typer(help="What people decide about the use of their data.", no_args_is_help=True)


@app.command("set")
def set_consent(
    user: User,
    purpose: Annotated[str, typer.Argument(help="analytics, prediction, text or sharing.")],
    *,
    given: Annotated[bool, typer.Option("--given/--withdrawn", help="Whether it is allowed from now on.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Where it is written down.")] = "",
    policy: Annotated[str, typer.Option("--policy", help="The version of the notice they were shown.")] = "",
    guardian: Annotated[bool, typer.Option("--guardian", help="A guardian decided; needs --evidence.")] = False,
    data: Data = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Keep a decision; it holds at once, for what was counted before, too."""
    wanted = {"purpose": purpose, "given": given, "evidence": evidence, "policy": policy}
    wanted["given_by"] = "guardian" if guardian else "person"
    with reach(settings_of(data)) as found:
        answer = found.put(f"{PATH}/{quote(user, safe='')}", wanted, {"tenant_id": tenant})
    _show(answer, "current", CURRENT, "json" if as_json else "table")


@app.command("show")
@output.in_a_form
def show_consent(
    user: User,
    *,
    history: Annotated[bool, typer.Option("--history", help="Every decision there was.")] = False,
    data: Data = None,
    tenant: Tenant = "default",
    form: output.Format,
) -> None:
    """What is allowed of them now, and why."""
    with reach(settings_of(data)) as found:
        answer = found.get(f"{PATH}/{quote(user, safe='')}", {"tenant_id": tenant})
    _show(answer, "history" if history else "current", HISTORY if history else CURRENT, form)


def _show(answer: dict[str, Any], part: str, columns: list[str], form: output.Format) -> None:
    output.show(answer, answer[part], columns, form)
