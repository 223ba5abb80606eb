"""Downloads: an export as an answer."""

from typing import Any

from starlette.responses import StreamingResponse

from rollbook.delivery.exports import Export

HEADERS = {
    "X-Rollbook-Range": "First and last moment of the export.",
    "X-Rollbook-Truncated": "What did not fit into Excel's limits; the workbook's sheet Note says it, too.",
    "X-Rollbook-Left-Out": "Metrics that CSV, which holds one table, does not hold.",
}

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()},
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "contentMediaType": "application/octet-stream"}
            },
        },
    }
}


def download(export: Export) -> StreamingResponse:
    """The file, sent while it is made."""
    named = {"Content-Disposition": f'attachment; filename="{export.filename}"'}
    return StreamingResponse(export.pieces, media_type=export.media_type, headers=export.headers | named)
