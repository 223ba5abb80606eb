"""`rollbook serve`: the API and the page, until it is stopped."""

import typer

from rollbook import __version__, logs
from rollbook.cli.listening import listen
from rollbook.cli.options import Data, Host, Port, TlsCert, TlsKey
from rollbook.governance.keys import FIRST_TENANT
from rollbook.settings import load


def serve(
    *, data: Data = None, host: Host = None, port: Port = None, tls_cert: TlsCert = None, tls_key: TlsKey = None
) -> None:
    """Serve the API and the page; Ctrl-C or SIGTERM stops it, after what was taken in is committed."""
    settings = load(data=data, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)
    logs.start(settings)

    def tell(address: str, key: str | None) -> None:
        typer.echo(f"Rollbook {__version__} serves {settings.data} at {address}")
        if key is not None:
            typer.echo(f"Admin key of tenant {FIRST_TENANT} (shown once): {key}")

    listen(settings, tell)
