"""The docs, kept true: links resolve, commands and routes exist, and everything that can be named is named."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from rollbook.analyses.catalogue import BY_NAME
from rollbook.analyses.question import OF_ALL
from rollbook.app import create_app
from rollbook.cli import app as shell
from rollbook.ingest.dialects import DIALECTS
from rollbook.ingest.pipeline import STEPS
from rollbook.ingest.reasons import REASONS
from rollbook.settings import LATER, WITHOUT_MEANING, Settings, load, names_of
from rollbook.store import Store
from tests.test_tidy import ROOT, SOURCE, none

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"localhost:8011(/[^\s'\"?]*)")
# read by the tests and not by the program
OF_TESTS = {"ROLLBOOK_REQUIRE_SERVICES"}


@cache
def text(page: Path) -> str:
    """A page."""
    return page.read_text("utf-8")


def name(page: Path) -> str:
    """A page as it is called in a failure."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What a link may point at in a page: its headings, as GitHub makes them."""
    prose = BLOCK.sub("", text(page))
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(program: str) -> Iterator[tuple[Path, list[str]]]:
    """Every command line of a program in the shell blocks of the docs, in words."""
    for page in PAGES:
        for language, block in BLOCK.findall(text(page)):
            if language not in ("sh", ""):
                continue
            for line in block.replace("\\\n", " ").splitlines():
                words = re.sub(r"^(\w+=\S+ +)+", "", line.strip())
                if words.split(" ")[0] == program:
                    yield page, shlex.split(words, comments=True)[1:]


def unknown(words: list[str]) -> str | None:
    """What of a call of `rollbook` does not exist, if anything."""
    command: Any = typer.main.get_command(shell)
    words = list(words)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        if found is None:
            return words[0]
        command, words = found, words[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    if command.name == "ask" and words and not words[0].startswith("-"):
        if words[0] not in BY_NAME:
            return words[0]
        options |= {f"--{field.replace('_', '-')}" for field in BY_NAME[words[0]].model_fields}
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    return next((option for option in given if option not in {*options, "--help", "--version"}), None)


def test_every_link_leads_somewhere() -> None:
    offences = []
    for page in PAGES:
        for target in LINK.findall(BLOCK.sub("", text(page))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists():
                offences.append(f"{name(page)}: {target}")
            elif anchor and anchor not in anchors(there):
                offences.append(f"{name(page)}: {target}: no such heading")
    none(offences)


def test_every_page_can_be_found() -> None:
    index = DOCS / "index.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in LINK.findall(text(index))}
    none([name(page) for page in PAGES if page != index and page not in linked])


def test_every_command_exists() -> None:
    calls = list(commands("rollbook"))
    assert len(calls) > 20
    none([f"{name(page)}: rollbook {shlex.join(words)}: {wrong}" for page, words in calls if (wrong := unknown(words))])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("ask retention --period 30", None),
        ("ask retention --perod 30", "--perod"),
        ("ask nothing", "nothing"),
        ("dead-letters burn", "burn"),
        ("serve --tls-password x", "--tls-password"),
    ],
)
def test_what_does_not_exist_would_be_found(line: str, wrong: str | None) -> None:
    assert unknown(line.split()) == wrong


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    calls = list(commands("make"))
    assert {words[0] for _, words in calls} >= {"demo", "test", "check"}
    none([f"{name(page)}: make {words[0]}" for page, words in calls if words[0] not in targets])


def test_every_address_is_a_route() -> None:
    routes = [re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)) for path in create_app(load()).openapi()["paths"]]
    offences, seen = [], 0
    for page in PAGES:
        found = ADDRESS.findall(text(page))
        seen += len(found)
        offences += [f"{name(page)}: {path}" for path in found if not any(route.fullmatch(path) for route in routes)]
    assert seen >= 20
    none(offences)


def test_every_route_is_mentioned() -> None:
    said = "\n".join(map(text, PAGES))
    paths = create_app(load()).openapi()["paths"]
    # the questions' routes are one, written with {name}
    plain = [path for path in paths if not path.startswith("/api/v2/ask/")]
    none([path for path in [*plain, "/api/v2/ask/{name}"] if path not in said])


def test_every_question_is_mentioned() -> None:
    page = text(DOCS / "guides" / "asking.md")
    rows = {found[0]: found[1] for found in re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", page, re.MULTILINE)}
    assert rows.keys() == BY_NAME.keys()
    for question, kind in BY_NAME.items():
        parameters = re.findall(r"`(\w+)` \(", rows[question])
        assert parameters == [field for field in kind.model_fields if field not in OF_ALL], question


def test_every_reason_and_stage_is_explained() -> None:
    page = text(DOCS / "guides" / "dead-letters.md")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == REASONS.keys()
    none([step.__name__ for step in STEPS if f"`{step.__name__}`" not in page])


def test_every_dialect_is_mentioned() -> None:
    page = text(DOCS / "guides" / "sending-events.md")
    none([dialect for dialect in DIALECTS if f"`{dialect}`" not in page])


def test_every_setting_is_in_its_table_and_no_other_is_named() -> None:
    placed = {one for setting in Settings.model_fields for one in names_of(setting)}
    table = text(DOCS / "reference" / "settings.md")
    none([setting for setting in sorted(placed | LATER.keys() | WITHOUT_MEANING.keys()) if f"`{setting}`" not in table])
    said = {(name(page), found) for page in PAGES for found in re.findall(r"\bROLLBOOK_[A-Z_]+\b", text(page))}
    none([f"{page}: {found}" for page, found in sorted(said) if found not in placed | OF_TESTS])


def test_every_word_of_the_glossary_has_one_meaning_and_its_place() -> None:
    rows = re.findall(r"^\| ([a-z][^|]*) \| ([^|]+) \| `([^`]+)` \|$", text(DOCS / "glossary.md"), re.MULTILINE)
    words = [word for word, _, _ in rows if word != "word"]
    assert len(words) > 50
    assert words == sorted(set(words))
    none([f"{word}: {path}" for word, _, path in rows if not (SOURCE / path).is_file()])


def test_the_files_that_pages_name_exist() -> None:
    named = re.compile(r"`((?:src/rollbook|tests|docs|bench)/[\w./-]+\.\w+|(?:\w+/)+\w+\.(?:py|sql))`")
    places = (ROOT, SOURCE, SOURCE / "ingest")
    ours = {"src/rollbook/analyses/busiest_courses.py", "src/rollbook/ingest/dialects/clicks.py", "bench/RESULTS.md"}
    offences = []
    for page in PAGES:
        for path in set(named.findall(text(page))) - ours:
            offences += [f"{name(page)}: {path}"] if not any((place / path).exists() for place in places) else []
    none(offences)


def test_python_in_the_docs_is_python() -> None:
    for page in PAGES:
        for language, block in BLOCK.findall(text(page)):
            if language == "python":
                compile(block, name(page), "exec")


def test_decisions_are_numbered_and_say_what_they_must() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert text(page).startswith(f"# {page.name[:4]}: ")
        for part in ("**Context.**", "**Decision.**", "**Measured", "**Consequences.**"):
            assert part in text(page), f"{page.name}: {part}"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, int], ModuleType]:
    """Makes a module of a code block of a guide, as if its reader had written the file."""

    def write(guide: str, module: str, number: int) -> ModuleType:
        blocks = [block for language, block in BLOCK.findall(text(DOCS / "guides" / guide)) if language == "python"]
        made = ModuleType(module)
        monkeypatch.setitem(sys.modules, module, made)
        exec(compile(blocks[number], f"{guide}, block {number}", "exec"), made.__dict__)
        return made

    return write


def test_the_question_of_the_guide_passes_the_test_of_the_guide(
    written: Callable[[str, str, int], ModuleType], store: Store, tenant: str
) -> None:
    written("adding-a-question.md", "rollbook.analyses.busiest_courses", 0)
    written("adding-a-question.md", "test_busiest_courses", 1).test_the_busiest_course_comes_first(store, tenant)


def test_the_dialect_of_the_guide_reads_an_event_both_ways(written: Callable[[str, str, int], ModuleType]) -> None:
    clicks = written("adding-a-dialect.md", "rollbook.ingest.dialects.clicks", 0).CLICKS
    told = {"what": "opened", "who": "ada", "when": "2026-03-02T10:00:00Z", "event_id": "1", "more": {"page": 3}}
    body = json.dumps(told).encode()
    fast, tolerant = clicks.read(body)[0], clicks.read_one(body)
    for event in (fast, tolerant):
        assert (event.type, event.user, event.id) == ("opened", "ada", "1")
        assert json.loads(bytes(event.properties)) == {"page": 3}
    assert fast.timestamp == tolerant.timestamp
