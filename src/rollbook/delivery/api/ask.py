"""Questions over HTTP: one route for each question of the catalogue, with its parameters and its answer described."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from rollbook.analyses import catalogue
from rollbook.analyses.ask import Answered, ask
from rollbook.analyses.question import Question
from rollbook.delivery.api.caller import FIRST_YEAR, LAST_YEAR, OpenStore
from rollbook.delivery.api.refusals import REFUSALS, Refused
from rollbook.delivery.tables import rows_as_csv
from rollbook.errors import Invalid
from rollbook.governance.granted import Granted

router = APIRouter(prefix="/api/v2", tags=["questions"], responses=REFUSALS)

# parameters of the request, not of the question
OF_REQUEST = {"tenant_id", "format"}

Form = Annotated[
    Literal["json", "csv", "chart"],
    Query(description="`json`; `csv`: the rows alone; `chart`: a Vega-Lite specification with the rows inside."),
]


class Described(BaseModel):
    """One question, as it can be asked."""

    name: str
    question: str = Field(description="What it asks, and its definition.")
    address: str
    parameters: dict[str, Any] = Field(description="JSON schema of its parameters.")
    answer: dict[str, Any] = Field(description="JSON schema of a row of its answer.")
    chart: dict[str, Any] | None = Field(description="Its Vega-Lite specification, without data.")


@router.get("/questions")
def questions() -> list[Described]:
    """Every question there is: what it asks, its parameters, its answer and its chart."""
    return [
        Described(
            name=kind.name(),
            question=definition(kind),
            address=f"/api/v2/ask/{kind.name()}",
            parameters=kind.model_json_schema(),
            answer=kind.answer().model_json_schema(),
            chart=kind.chart.spec([]) if kind.chart else None,
        )
        for kind in catalogue.QUESTIONS
    ]


def definition(kind: type[Question[Any]]) -> str:
    """What a question asks, as its file says."""
    return " ".join((kind.__doc__ or "").split())


def add_route(kind: type[Question[Any]]) -> None:
    """The route of one question."""

    def answer(request: Request, store: OpenStore, grant: Granted, format: Form = "json") -> Response:
        asked = catalogue.question(kind.name(), given(request.query_params))
        check_dates(asked)
        return sent(ask(store, asked, grant), kind, format)

    router.add_api_route(
        f"/ask/{kind.name()}",
        answer,
        name=kind.name(),
        operation_id=f"ask_{kind.name()}",
        summary=definition(kind).split("? ")[0].rstrip("?") + "?",
        description=definition(kind),
        response_model=Answered[kind.answer()],  # type: ignore[misc]
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
        openapi_extra={"parameters": parameters(kind)},
    )


def given(parameters: QueryParams) -> dict[str, str | list[str]]:
    """The question's own parameters; one that is named several times is a list."""
    lists = {name: parameters.getlist(name) for name in parameters if name not in OF_REQUEST}
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


def check_dates(asked: Question[Any]) -> None:
    """Raises Invalid for a day or a moment that the store's calendar does not reach."""
    for name, value in asked:
        if isinstance(value, date) and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise Invalid(f"{asked.name()}: {name} must lie in the years {FIRST_YEAR} to {LAST_YEAR}, not {value}")


def age(answered: Answered[Any]) -> dict[str, str]:
    """Headers that say whether an answer was kept, and for how many seconds; `off`: it may not be."""
    found = answered.found
    if found is None:
        return {"X-Cache": "off"}
    return {"X-Cache": "hit", "Age": f"{found.age_seconds:.0f}"} if found.kept else {"X-Cache": "miss"}


def sent(answered: Answered[Any], kind: type[Question[Any]], form: str) -> Response:
    """An answer in the form that was wanted."""
    headers = age(answered)
    if form == "json":
        return Response(answered.model_dump_json(), media_type="application/json", headers=headers)
    if form == "chart":
        if kind.chart is None:
            raise Invalid(f"{kind.name()} has no chart; take format json or csv")
        if answered.before or answered.parts is not None:
            raise Invalid("a chart shows one answer; leave compare and breakdown out, or take format json or csv")
        return JSONResponse(kind.chart.spec([row.model_dump(mode="json") for row in answered.rows]), headers=headers)
    headers |= {"Content-Disposition": f'attachment; filename="{kind.name()}.csv"'}
    text = rows_as_csv(*_table(answered, kind))
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _table(answered: Answered[Any], kind: type[Question[Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows; `part` and `side` tell apart the parts, and now from the period before, where there are any."""
    added = {"part": answered.parts is not None, "side": answered.before is not None}
    columns = [name for name, is_there in added.items() if is_there] + list(kind.answer().model_fields)
    rows = []
    for part in (answered, *(answered.parts or ())):
        for side, holder in (("now", part), ("before", part.before)):
            own = {"part": getattr(part, "value", ""), "side": side}
            rows += [own | row.model_dump(mode="json") for row in (holder.rows if holder else ())]
    return columns, [{name: row[name] for name in columns} for row in rows]


def parameters(kind: type[Question[Any]]) -> list[dict[str, Any]]:
    """The parameters of a question as OpenAPI describes them."""
    schema = kind.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": {key: value for key, value in field.items() if key not in ("description", "title")},
            "description": field.get("description", ""),
            "style": "form",
            "explode": False,
        }
        for name, field in schema["properties"].items()
    ]


for _kind in catalogue.QUESTIONS:
    add_route(_kind)


@router.get("/ask/{name}", include_in_schema=False, responses={404: {"model": Refused}})
def unknown(name: str, request: Request) -> None:
    """No question of that name: 404, with the names there are."""
    catalogue.question(name, given(request.query_params))
