"""Origins: whether a request of a browser comes from our own pages, and where a browser may be led.

A browser sends our cookie along with whatever another site makes it request (cross-site request forgery). So what
changes something and is known by a cookie alone must say in `Sec-Fetch-Site` or in `Origin` that one of our own pages
has sent it; both are set by browsers and cannot be set by scripts. Keys and tokens in headers need none of this: no
browser adds them by itself.

Sources: OWASP Cross-Site Request Forgery Prevention Cheat Sheet; Fetch Metadata (W3C).
"""

from urllib.parse import quote

from starlette.types import Scope

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SIGN_IN = "/sign-in"
LONGEST_NEXT = 2_000


def header(scope: Scope, name: bytes) -> str:
    """A header's value, or an empty text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def is_https(scope: Scope) -> bool:
    """Whether the browser's connection is encrypted, as far as the server (and a trusted proxy before it) says."""
    return scope.get("scheme") in ("https", "wss")


def own_origin(scope: Scope) -> str:
    """The origin of our own pages, as this request names it."""
    return f"{'https' if is_https(scope) else 'http'}://{header(scope, b'host')}"


def is_own_page(scope: Scope) -> bool:
    """Whether the browser says that one of our own pages has sent this request."""
    site = header(scope, b"sec-fetch-site")
    if site:
        return site == "same-origin"
    return header(scope, b"origin") == own_origin(scope)


def changes(scope: Scope) -> bool:
    """Whether the request may change something, or open a channel that other pages could use."""
    return scope["type"] == "websocket" or scope.get("method") not in SAFE_METHODS


def local(address: str) -> str:
    """The address if it is a path of ours, else `/`: nobody is led elsewhere after signing in."""
    # browsers read \ as /, drop tabs and line ends, and take what follows // for another host
    is_path = address.startswith("/") and not address.startswith("//") and "\\" not in address
    if not is_path or len(address) > LONGEST_NEXT or not address.isprintable() or address.startswith(SIGN_IN):
        return "/"
    return address


def sign_in_for(scope: Scope) -> str | None:
    """Where to lead a browser that asks for a page without having signed in; None: it is no browser."""
    is_page = scope.get("method") == "GET" and "text/html" in header(scope, b"accept")
    if scope["type"] != "http" or not is_page:
        return None
    query = scope["query_string"].decode("latin-1")
    return with_next(SIGN_IN, scope["path"] + (f"?{query}" if query else ""))


def with_next(address: str, wanted: str) -> str:
    """The address, with where to go afterwards."""
    return address if (path := local(wanted)) == "/" else f"{address}?next={quote(path, safe='/')}"
