"""TLS: the certificate that `serve` shows, and how a command on the same machine knows it again."""

import ssl
from pathlib import Path
from typing import NoReturn

from rollbook.errors import Invalid
from rollbook.settings import Settings

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SHORT = {"certificate": "cert", "key": "key"}


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 and later with the settings' certificate; None without one. Raises Invalid, naming the file."""
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None:
        if key is not None:
            raise Invalid("there is a TLS key (--tls-key, ROLLBOOK_TLS_KEY) but no certificate; name one: --tls-cert")
        return None
    for path, what in ((cert, "certificate"), (key, "key")):
        if path is not None:
            _check_readable(path, what)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, lambda: _encrypted(key or cert))
    except ssl.SSLError as error:
        raise Invalid(_why(error, cert, key)) from error
    return context


def leaf(settings: Settings) -> str | None:
    """The server's own certificate (PEM), the first of its file; None without TLS."""
    if settings.tls_cert is None:
        return None
    text = settings.tls_cert.read_text()
    return text[text.index(BEGIN) : text.index(END) + len(END)] + "\n"


def trusting(certificate: str | None) -> ssl.SSLContext:
    """Trusts exactly that certificate, whatever it names: the command line asks for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate:
        context.load_verify_locations(cadata=certificate)
    return context


def _check_readable(path: Path, what: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise Invalid(f"TLS {what} {path}: {error.strerror}; name a PEM file with --tls-{SHORT[what]}") from error


def _encrypted(path: Path) -> NoReturn:
    raise Invalid(f"TLS key {path} is encrypted; decrypt it: openssl pkey -in {path} -out plain.pem")


def _why(error: ssl.SSLError, cert: Path, key: Path | None) -> str:
    where = f"{cert}" if key is None else f"{cert} and {key}"
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"TLS: {where} do not belong together: the key is of another certificate"
    if BEGIN not in cert.read_text(errors="replace"):
        return f"TLS certificate {cert} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
    if "PRIVATE KEY" not in (key or cert).read_text(errors="replace"):
        return f"TLS key {key or cert} holds no private key in PEM form; name its file with --tls-key"
    return f"TLS: {where} cannot be used: {error.reason or error}"
