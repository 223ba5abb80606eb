"""Pages: HTML for people, each with a JSON twin that holds the same; its script fetches the twin and draws it.

Everything comes from this process: no other address is asked, and the content security policy forbids it.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError

from rollbook.delivery import assets
from rollbook.delivery.api.caller import OpenStore
from rollbook.delivery.api.refusals import REFUSALS
from rollbook.delivery.overview import FIGURES, RANGES, Asked, Overview, overview
from rollbook.delivery.theme import configs
from rollbook.delivery.tiles import TILES
from rollbook.governance.granted import Granted

# Vega would compile its expressions with `new Function`; the page has them interpreted, so scripts need no unsafe-eval
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# a page says who is signed in: after signing out, nobody finds it in the browser's history
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}

router = APIRouter()

_templates = Environment(
    loader=PackageLoader("rollbook.delivery"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {"asset": assets.address, "themes": configs()}


@router.get("/", include_in_schema=False)
def overview_page(request: Request, grant: Granted) -> HTMLResponse:
    """The overview as a page. What is wrong with its parameters the page's script shows, as the twin says it."""
    try:
        asked = Asked.model_validate(dict(request.query_params))
    except ValidationError:
        asked = Asked()
    asked = asked.model_copy(update={"tenant_id": grant.tenant})
    ranges = [(days, f"/?{_query(asked, days)}") for days in RANGES]
    return page(request, "overview.html", asked=asked, ranges=ranges, figures=FIGURES, tiles=TILES)


@router.get("/overview.json", tags=["pages"], summary="The overview as data", responses=REFUSALS)
def overview_json(store: OpenStore, grant: Granted, asked: Annotated[Asked, Query()]) -> Overview:
    """All that the page at `/` shows: figures, charts (Vega-Lite) and their rows, as of one moment."""
    return overview(store, grant, asked)


@router.get("/static/{version}/{name}", include_in_schema=False)
def static_file(request: Request, version: str, name: str) -> Response:
    """A file that pages load."""
    return assets.asset(version, name).response(request)


def page(request: Request, name: str, *, status: int = 200, **content: Any) -> HTMLResponse:
    """A page from its template; every one of them gets `session`, None where nobody is signed in."""
    content |= {"session": request.scope.get("state", {}).get("session")}
    return HTMLResponse(_templates.get_template(name).render(content), status, HEADERS)


def _query(asked: Asked, days: int) -> str:
    as_of = {"as_of": asked.as_of.isoformat()} if asked.as_of else {}
    return urlencode({"tenant_id": asked.tenant_id, "days": days, **as_of})
