"""The architecture and the style, kept true: who may import whom, sizes, names, docstrings, where SQL may stand.

Every test lists all offences at once, each with its place, so that one run says what to mend.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "rollbook"

GROUND = {"errors", "event", "scores", "settings"}
UP_TO_STORE = GROUND | {"store", "governance"}

# Who may import whom. A part is a package or a module right under rollbook; each may also import itself.
ARCHITECTURE: dict[str, set[str]] = {
    "errors": set(),
    "event": {"errors"},
    "scores": set(),
    "settings": {"errors"},
    "logs": GROUND,
    "store": GROUND,
    "governance": GROUND | {"store"},
    "ingest": UP_TO_STORE,
    "analyses": UP_TO_STORE,
    "predictions": UP_TO_STORE | {"analyses"},
    "actions": UP_TO_STORE | {"analyses", "predictions"},
    "delivery": UP_TO_STORE | {"analyses", "predictions", "actions"},
    "demo": GROUND | {"store"},
}
# These wire the parts together, and so may import all of them.
WIRING = {"jobs", "cli", "app", "agent", "bench", "tracker", "__init__", "__main__"}

# the bench's: the bare loop's own table, events made up in bulk, the tables' weight; nothing that Rollbook runs
MAY_HOLD_SQL = ("store/", "analyses/", "bench/tables.py")
SQL = re.compile(
    r"\bselect\s.+\sfrom\s|\binsert\s+into\s|\bdelete\s+from\s|\b(create|alter|drop|truncate)\s+table\s|\boptimize\s+table\s",
    re.IGNORECASE | re.DOTALL,
)

FORBIDDEN = {"util", "utils", "helper", "helpers", "common", "core", "base", "misc", "manager", "managers", "service"}
VARIANT = re.compile(r"_(v\d+|new|old|copy|tmp)$")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")

MOST_LINES_OF_FUNCTION = 60
MOST_LINES_OF_FILE = 400
MOST_FILES_OF_FOLDER = 20
MOST_POSITIONAL = 5
CODE = {".py", ".sql", ".js", ".css", ".html"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """The files we wrote, by suffix."""
    folders = (ROOT / "src", ROOT / "tests", ROOT / "bench")
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes)
    return tuple(sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts))


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def sources() -> Iterator[Path]:
    """The files of the package."""
    return (path for path in files(".py") if path.is_relative_to(SOURCE))


def place(path: Path, node: ast.AST | None = None) -> str:
    """Where something stands, to be clicked at."""
    line = f":{node.lineno}" if isinstance(node, ast.stmt | ast.expr) else ""
    return f"{path.relative_to(ROOT)}{line}"


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The part of the architecture that a module belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module of ours that a file imports, wherever in it."""
    known = {module_of(p) for p in sources()}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names if alias.name.split(".")[0] == "rollbook")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rollbook":
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield (deeper if deeper in known else str(node.module)), node


def definitions(path: Path) -> Iterator[Definition]:
    """Every function and class of a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Definition))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, methods and inner ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def public(nodes: list[ast.stmt]) -> Iterator[Definition]:
    """What others may use of a module or a class."""
    for node in nodes:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def none(offences: list[str]) -> None:
    """Fail with all of them."""
    assert not offences, "\n".join(["", *offences])


def test_every_part_has_its_place_in_the_architecture() -> None:
    parts = {part_of(module_of(path)) for path in sources()}
    assert parts <= ARCHITECTURE.keys() | WIRING


def test_parts_import_only_whom_they_may() -> None:
    offences = []
    for path in sources():
        part = part_of(module_of(path))
        if part in WIRING:
            continue
        allowed = ARCHITECTURE.get(part, set()) | {part}
        offences += [
            f"{place(path, node)}: {part} imports {module}"
            for module, node in imports(path)
            if part_of(module) not in allowed
        ]
    none(offences)


def test_no_import_hides_in_a_function() -> None:
    none(
        [
            place(path, node)
            for path in sources()
            for function in functions(path)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(path): {module for module, _ in imports(path)} - {module_of(path)} for path in sources()}
    circles = []
    while graph:
        free = [module for module, needs in graph.items() if not needs & graph.keys()]
        if not free:
            # what only leads to a circle is not part of it
            needed = set().union(*graph.values())
            circles = sorted(graph.keys() & needed)
            break
        for module in free:
            del graph[module]
    none(circles)


def test_functions_are_short() -> None:
    none(
        [
            f"{place(path, function)}: {function.name} has {lines} lines"
            for path in files(".py")
            for function in functions(path)
            if (lines := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_OF_FUNCTION
        ]
    )


def test_few_parameters_are_positional() -> None:
    offences = []
    for path in files(".py"):
        # pytest gives fixtures by name
        for function in (one for one in functions(path) if not one.name.startswith("test_")):
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args) if a.arg not in ("self", "cls")]
            if len(names) > MOST_POSITIONAL:
                offences.append(f"{place(path, function)}: {function.name} has {len(names)}")
    none(offences)


def test_files_are_short() -> None:
    none(
        [
            f"{place(path)} has {lines} lines"
            for path in files(*CODE)
            if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES_OF_FILE
        ]
    )


def test_folders_are_small() -> None:
    folders = {path.parent for path in files(*CODE)}
    counts = {folder: sum(p.is_file() for p in folder.iterdir()) for folder in folders}
    none([f"{place(f)} has {n} files" for f, n in counts.items() if n > MOST_FILES_OF_FOLDER])


def test_names_say_what_something_is() -> None:
    offences = [
        place(path)
        for path in files(*CODE)
        if forbidden(path.stem) or forbidden(path.parent.name) or VARIANT.search(path.stem)
    ]
    for path in files(".py"):
        offences += [f"{place(path, node)}: {node.name}" for node in definitions(path) if forbidden(node.name)]
    none(offences)


def forbidden(name: str) -> bool:
    """Whether a name holds a word that says nothing."""
    return any(word.lower() in FORBIDDEN for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def test_modules_say_what_they_are_for() -> None:
    none(
        [
            place(path)
            for path in files(".py")
            if path.read_text("utf-8").strip() and not (ast.get_docstring(tree(path)) or "").strip()
        ]
    )


def test_what_is_public_is_described() -> None:
    none(
        [
            f"{place(path, node)}: {node.name}"
            for path in sources()
            for node in public(tree(path).body)
            if not ast.get_docstring(node)
        ]
    )


def test_nothing_is_left_unfinished() -> None:
    none(
        [
            f"{place(path)}:{number}"
            for path in files(*CODE)
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if UNFINISHED.search(line)
        ]
    )


def test_sql_stands_only_in_the_store_and_in_questions() -> None:
    offences = []
    for path in sources():
        if path.relative_to(SOURCE).as_posix().startswith(MAY_HOLD_SQL):
            continue
        told = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
        offences += [
            place(path, node)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
            if SQL.search(node.value)
        ]
    none(offences)


def test_the_rules_find_what_they_are_for() -> None:
    assert SQL.search("select 1 from events")
    assert SQL.search("INSERT INTO events VALUES")
    assert not SQL.search("select a question from-the list")
    assert forbidden("event_utils")
    assert forbidden("RulesManager")
    assert VARIANT.search("ingest_v2")
    assert not forbidden("database")
    assert UNFINISHED.search("# TO" + "DO later")
