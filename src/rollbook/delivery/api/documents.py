"""Documents: OpenAPI and its pages, which need no network: Swagger UI comes from an installed package.

The pages hold no script of their own, so that a strict Content-Security-Policy can stand.
"""

import html
import importlib.resources
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from rollbook.delivery.api.securing import describe_access

FILES = "/docs/files"
OF_DOCUMENT_4 = "/api/analytics/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{files}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-openapi="{openapi}"><noscript>This page needs JavaScript;
<a href="{openapi}">openapi.json</a> says the same.</noscript></div>
<script src="{files}/swagger-ui-bundle.js"></script>
<script src="{start}"></script>
</body>
</html>
"""
START = """const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: place.dataset.openapi,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""

Paths = dict[str, Any]


def install(app: FastAPI, extra_paths: Paths) -> None:
    """Describe the application's routes and `extra_paths` (OpenAPI's paths of routes that FastAPI does not describe).

    The application must be made with `docs_url=None, redoc_url=None` and serve `/openapi.json` itself; the routes must
    be there when the first description is asked for.
    """

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, extra_paths)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
    app.mount(FILES, StaticFiles(directory=str(importlib.resources.files("fastapi_offline") / "static")))
    app.include_router(_pages())


def _described(app: FastAPI, extra_paths: Paths) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    paths: Paths = schema.setdefault("paths", {})
    for path, operations in extra_paths.items():
        paths[path] = paths.get(path, {}) | operations
    describe_access(schema)
    return schema


def _pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/api/analytics/openapi.json")
    async def document_4(request: Request) -> Response:
        whole = request.app.openapi()
        own = {path: operations for path, operations in whole["paths"].items() if path.startswith(OF_DOCUMENT_4)}
        return JSONResponse(whole | {"paths": own})

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return _page(request, "/openapi.json")

    @router.get("/api/analytics/docs")
    async def docs_of_document_4(request: Request) -> Response:
        return _page(request, "/api/analytics/openapi.json")

    @router.get("/docs/start.js")
    async def start() -> Response:
        return Response(START, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return router


def _page(request: Request, openapi: str) -> Response:
    root = request.scope.get("root_path", "")
    addresses = {"openapi": root + openapi, "files": root + FILES, "start": f"{root}/docs/start.js"}
    escaped = {name: html.escape(text) for name, text in addresses.items()}
    return HTMLResponse(
        PAGE.format(title=html.escape(request.app.title), **escaped), headers={"Content-Security-Policy": POLICY}
    )
