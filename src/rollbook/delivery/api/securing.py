"""What OpenAPI says of access: how a key or token is shown, which routes need one, and what they refuse."""

from typing import Any

from rollbook.governance.access import permission_of, who_may

SCHEMES: dict[str, dict[str, str]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "A key or a token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key."},
    "password": {"type": "http", "scheme": "basic", "description": "Any name, and the key as password."},
}
REFUSED = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}}
ANSWERS: dict[str, dict[str, Any]] = {
    "401": {"description": "No key or token was shown, or none that is good."} | REFUSED,
    "403": {"description": "Who calls may not do this."} | REFUSED,
    "429": {"description": "Called too often; see Retry-After."} | REFUSED,
}
METHODS = ("get", "post", "put", "patch", "delete")


def describe_access(schema: dict[str, Any]) -> None:
    """Add the ways to show a key or token, and to each route that is not public that it needs one, and who may."""
    schema.setdefault("components", {})["securitySchemes"] = SCHEMES
    for path, operations in schema["paths"].items():
        for method in METHODS:
            permission = permission_of(method.upper(), path)
            if method not in operations or permission is None or permission == "public":
                continue
            operation = operations[method]
            told = f"{operation.get('description', '')}\n\nFor: {who_may(permission)}.".strip()
            answers = operation.get("responses", {}) | ANSWERS
            needed: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]
            # a new one: routes that FastAPI does not describe are described once for all applications
            operations[method] = operation | {"description": told, "responses": answers, "security": needed}
