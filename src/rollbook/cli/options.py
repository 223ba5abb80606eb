"""Options that many commands share, and the settings that they make."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rollbook import logs
from rollbook.settings import Settings, load

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="ROLLBOOK_DATA", help="The data folder.", show_default="rollbook-data"),
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose events.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, exactly what HTTP answers.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="As CSV, with a header.")]
AsTable = Annotated[bool, typer.Option("--table", help="As a table to read (the default).")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on (ROLLBOOK_HOST).", show_default="127.0.0.1")
]
Port = Annotated[
    int | None, typer.Option("--port", help="Port to listen on (ROLLBOOK_PORT); 0: a free one.", show_default="8011")
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", help="Certificate (PEM, with its chain): serve https (ROLLBOOK_TLS_CERT)."),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", help="Its private key (PEM; ROLLBOOK_TLS_KEY).", show_default="in the same file"),
]


def settings_of(data: Path | None, **more: Any) -> Settings:
    """The settings of a command. Its log says only what went wrong, unless LOG_LEVEL asks for more."""
    settings = load(data=data, **more)
    asked = "log_level" in settings.model_fields_set
    logs.start(settings if asked else settings.model_copy(update={"log_level": "WARNING"}))
    return settings
