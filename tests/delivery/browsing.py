"""A server of its own, and a Chromium that writes down what a page does."""

import contextlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import services

# a busy machine draws slowly; what never comes still fails
expect.set_options(timeout=60_000)

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@dataclass
class Watched:
    """A page, what its console said, and which hosts it asked."""

    page: Page
    said: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, page: Page) -> "Watched":
        """Watch a page from now on."""
        watched = cls(page)
        page.on("console", lambda said: watched.said.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: watched.said.append(f"error: {error}"))
        page.on("request", lambda request: watched.hosts.add(urlsplit(request.url).hostname or ""))
        return watched


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[httpx.Client]:
    """`rollbook serve` in a process of its own, on a free port; a client whose base is its address."""
    with served(folder, "from rollbook.cli import app; app()") as client:
        yield client


@contextlib.contextmanager
def served(folder: Path, program: str, **more: str) -> Iterator[httpx.Client]:
    """The same by another program that becomes the command line; `more` are environment variables."""
    command = [sys.executable, "-c", textwrap.dedent(program), "serve", "--data", str(folder), "--port", "0"]
    # the log must not share the pipe: nobody empties it once the address is read
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | more)
    try:
        with httpx.Client(base_url=_address(server, folder), timeout=60) as client:
            yield client
    finally:
        server.terminate()
        server.communicate(timeout=60)


def _address(server: subprocess.Popen[str], folder: Path) -> str:
    """The address that the server says it listens on; fails with its log if it ends before."""
    assert server.stdout
    for line in server.stdout:
        if found := re.search(r" at (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise RuntimeError("the server ended: " + (folder / "log").read_text())


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium; skips the test where there is none."""
    executable = services.chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()
