"""`rollbook serve` over TLS: what it shows, what it refuses, and how commands know it again."""

import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from rollbook.cli.tls import tls_context
from rollbook.errors import Invalid
from rollbook.settings import load
from tests.cli.certificates import Signed, signed
from tests.cli.terminal import rollbook, serving


@pytest.fixture
def ours(tmp_path: Path) -> Signed:
    """Our certificate."""
    return signed(tmp_path / "ours")


def test_it_serves_https_and_commands_know_it_again(tmp_path: Path, ours: Signed) -> None:
    book = tmp_path / "book"
    with serving(book, ROLLBOOK_TLS_CERT=str(ours.cert), ROLLBOOK_TLS_KEY=str(ours.key)) as server:
        assert server.address.startswith("https://127.0.0.1:")
        trusts = ssl.create_default_context(cafile=str(ours.cert))
        with httpx.Client(base_url=server.address, verify=trusts) as client:
            event = {"event_type": "seen", "user_id": "ada"}
            assert client.post("/api/v2/events", json=event).json()["ingested"] == 1
        through = rollbook("ask", "totals", "--json", "--data", book)
        assert (through.returncode, json.loads(through.stdout or "{}").get("rows", [{}])[0].get("events")) == (0, 1)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{server.address}/health")


def test_a_command_talks_to_no_other_certificate(tmp_path: Path, ours: Signed) -> None:
    book, other = tmp_path / "book", signed(tmp_path / "other")
    with serving(book, ROLLBOOK_TLS_CERT=str(ours.cert), ROLLBOOK_TLS_KEY=str(ours.key)):
        left = book / "serve.json"
        left.write_text(json.dumps(json.loads(left.read_text()) | {"certificate": other.cert.read_text()}))
        done = rollbook("ask", "totals", "--data", book)
    assert done.returncode == 4
    assert "certificate" in done.stderr
    assert "Traceback" not in done.stderr


def test_old_versions_are_refused(tmp_path: Path, ours: Signed) -> None:
    with serving(tmp_path / "book", ROLLBOOK_TLS_CERT=str(ours.cert), ROLLBOOK_TLS_KEY=str(ours.key)) as server:
        port = int(server.address.rpartition(":")[2])

        def version(highest: ssl.TLSVersion) -> str | None:
            context = ssl.create_default_context(cafile=str(ours.cert))
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, highest
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
            ):
                return wrapped.version()

        assert version(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        assert version(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        with pytest.raises(ssl.SSLError):
            version(ssl.TLSVersion.TLSv1_1)


def test_a_certificate_and_its_key_in_one_file(ours: Signed) -> None:
    both = ours.cert.with_name("both.pem")
    both.write_text(ours.key.read_text() + ours.cert.read_text())
    assert tls_context(load(tls_cert=both)) is not None
    assert tls_context(load()) is None


def test_what_is_wrong_is_said(tmp_path: Path, ours: Signed) -> None:
    def why(cert: Path | None, key: Path | None) -> str:
        with pytest.raises(Invalid) as refused:
            tls_context(load(tls_cert=cert, tls_key=key))
        return refused.value.detail

    empty = tmp_path / "empty.pem"
    empty.write_text("")
    other, sealed = signed(tmp_path / "other"), signed(tmp_path / "sealed", password=b"secret")
    assert "no certificate; name one: --tls-cert" in why(None, ours.key)
    assert "absent.pem: No such file" in why(tmp_path / "absent.pem", ours.key)
    assert "absent.pem: No such file" in why(ours.cert, tmp_path / "absent.pem")
    assert "do not belong together" in why(ours.cert, other.key)
    assert "is encrypted; decrypt it: openssl" in why(sealed.cert, sealed.key)
    assert "empty.pem holds no certificate" in why(empty, ours.key)
    assert "holds no private key" in why(ours.cert, empty)
    assert "holds no private key in PEM form; name its file with --tls-key" in why(ours.cert, None)


def test_the_options_win_and_a_mistake_is_one_line(tmp_path: Path, ours: Signed) -> None:
    done = rollbook(
        *("serve", "--data", tmp_path / "book", "--port", 0, "--tls-cert", ours.cert),
        *("--tls-key", signed(tmp_path / "other").key),
        ROLLBOOK_TLS_KEY=str(ours.key),
    )
    assert done.returncode == 2
    assert "do not belong together" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "book").exists()
