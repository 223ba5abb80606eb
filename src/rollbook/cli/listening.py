"""Listening: the HTTP server in this process, from a free address to a clean stop."""

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from rollbook.app import create_app
from rollbook.cli.tls import leaf, tls_context
from rollbook.errors import Conflict, Invalid
from rollbook.settings import Settings, ignored

log = structlog.get_logger()

# what a client may take to finish after the signal to stop
GRACE_SECONDS = 10
BACKLOG = 2048

# the address, and on a first start the admin key
Started = Callable[[str, str | None], None]


class Server(uvicorn.Server):
    """uvicorn's server, which says when it listens and when it stops, and for which a signal to stop is no failure."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started, self._say_stopping = started, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._say_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A first signal stops cleanly, a second Ctrl-C at once."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        self._say_stopping()


def listen(settings: Settings, started: Started) -> None:
    """Serve until SIGTERM or SIGINT; what was taken in is committed before this returns.

    Raises Invalid for an address that is not of this machine, Conflict if the port or the folder is taken.
    """
    context = tls_context(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        # the lifespan is run here and not by uvicorn, so that what fails in it is raised as it is
        lifespan="off",
        log_config=None,
        access_log=settings.access_log,
        server_header=False,
        ssl_context_factory=(lambda *_: context) if context else None,
        # who calls and whether over https is what a proxy says only where the settings name it
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # for a thousand live connections it costs more than it saves: 250 KB each, and a compression of every message
        ws_per_message_deflate=False,
    )
    with bound(settings) as listener, asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        address = address_of(listener, "https" if context else "http")
        runner.run(_run(app, config, (listener, address), started))


async def _run(app: FastAPI, config: uvicorn.Config, at: tuple[socket.socket, str], started: Started) -> None:
    listener, address = at

    def tell() -> None:
        app.state.store.folder.announce(address, leaf(app.state.settings))
        started(address, app.state.credentials.keys.first() if app.state.settings.auth == "required" else None)

    async with app.router.lifespan_context(app):
        for name in ignored(os.environ):
            log.warning("setting_ignored", name=name, why="nothing acts on it yet", see="docs/reference/settings.md")
        log.info("serving", address=address)
        loop = asyncio.get_running_loop()
        # streams never end by themselves, so they are told to
        await Server(config, tell, lambda: _soon(loop, app.state.desk.let_go)).serve([listener])
        log.info("stopping", address=address)


def _soon(loop: asyncio.AbstractEventLoop, do: Callable[[], None]) -> None:
    """Do it on the loop; a signal comes at any moment."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(do)


def bound(settings: Settings) -> socket.socket:
    """A socket bound to the address of the settings. Raises Invalid or Conflict."""
    family, address = _resolved(settings)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(f"port {settings.port} is in use by another program; choose another with --port") from error
        raise Invalid(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    return listener


def free_unless(settings: Settings) -> int:
    """The port of the settings if nobody listens there, else 0: any free one."""
    try:
        bound(settings).close()
    except Conflict:
        return 0
    return settings.port


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address to open."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _resolved(settings: Settings) -> tuple[socket.AddressFamily, str]:
    try:
        family, *_, target = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Invalid(f"host {settings.host!r} is not an address: {error.strerror}") from error
    address = str(target[0])
    if settings.auth == "none" and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise Invalid(
            f"host {settings.host} can be reached from other machines, and with ROLLBOOK_AUTH=none everyone there could"
            " read and write everything; use 127.0.0.1, or a proxy in front that checks who is calling"
        )
    return family, address
