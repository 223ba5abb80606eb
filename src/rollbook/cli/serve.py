"""`rollbook serve`: the API and the page, until it is stopped."""

import typer

from rollbook import __version__, logs
from rollbook.cli.listening import listen
from rollbook.cli.options import Data, Host, Port
from rollbook.settings import load


def serve(*, data: Data = None, host: Host = None, port: Port = None) -> None:
    """Serve the API and the page; Ctrl-C or SIGTERM stops it, after what was taken in is committed."""
    settings = load(data=data, host=host, port=port)
    logs.start(settings)

    def tell(address: str) -> None:
        typer.echo(f"Rollbook {__version__} serves {settings.data} at {address}")

    listen(settings, tell)
