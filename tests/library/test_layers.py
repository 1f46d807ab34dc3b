"""The floors of the house: which part of the library may import, read or hold what."""

import ast
import doctest
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from trialstats import meta

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "trialstats"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Statistics: arrays and frames in, results out.
STATISTICS = {
    "adjustment",
    "ancova",
    "ancova_effects",
    "binary",
    "cochran_mantel_haenszel",
    "contingency",
    "exact_tables",
    "fixed_effects",
    "general_linear",
    "group_means",
    "interactions",
    "likelihood_ratio",
    "linear_model",
    "lmm",
    "logistic",
    "meta",
    "mmrm",
    "one_thread",
    "second_engine",
    "small_sample",
    "stratified_effects",
    "survival",
    "tipping_points",
    "two_period_crossover",
}
DRAWING = {"figures", "tables", "report"}
MIDDLE = {"analyses", "clean", "config", "describe", "exports", "simulation"}
GROUND = {
    *("__init__", "errors", "estimands", "evidence_rows", "expressions"),
    *("cleaning_rows", "formatting", "io"),
    *(
        "judgements",
        "parts",
        "provenance",
        "randomness",
        "raw",
        "records",
        "rows",
        "table_templates",
        "tracing",
        "units",
        "version",
        "vocabulary",
    ),
}

#: Part of the library -> parts that it never imports.
FORBIDDEN = {
    "clean": STATISTICS | DRAWING | {"analyses"},
    "figures": STATISTICS | {"analyses", "clean", "config", "report"},
    "tables": STATISTICS | {"analyses", "clean", "config", "report"},
    "report": STATISTICS | {"analyses", "clean"},
    "analyses": DRAWING,
    "config": STATISTICS | DRAWING | {"analyses", "clean"},
    "describe": STATISTICS | DRAWING | (MIDDLE - {"describe", "config"}) | {"io"},
    "simulation": DRAWING | {"analyses", "clean", "config", "io"},
    "expressions": STATISTICS | DRAWING | MIDDLE | GROUND - {"errors"},
    "exports": STATISTICS | DRAWING | (MIDDLE - {"exports"}) | {"io"},
    **{part: DRAWING | {"analyses", "clean", "config", "io"} for part in STATISTICS},
}

#: Names of functions and methods that open a file.
OPENERS = {
    "open",
    "open_text",
    "read_bytes",
    "read_csv",
    "read_excel",
    "read_parquet",
    "read_text",
    "savefig",
    "to_excel",
    "to_parquet",
    "write_bytes",
    "write_text",
}

#: `provenance` digests source files before a step runs, and imports nothing of ours.
MAY_OPEN = {"io", "config", "__main__", "provenance"}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def part_of(path):
    """Return the first name below the package: `meta` for meta/pooling.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_in(path):
    """Return what `imports_of` finds in a file; several tests ask every file."""
    return frozenset(imports_of(tree_of(path)))


def imports_of(tree):
    """Return every dotted name that the import statements may stand for."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(str(node.module))
    return found


def buffers_of(tree):
    """Return the names that hold bytes in memory, which are no file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and "BytesIO(" in ast.unparse(node.value):
            found |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.arg) and "BytesIO" in ast.unparse(
            node.annotation or ast.Constant(None)
        ):
            found.add(node.arg)
    return found


def parts_imported(tree):
    split = [name.split(".") for name in imports_of(tree)]
    return {s[1] for s in split if s[0] == "trialstats" and len(s) > 1}


def importers_of(library):
    """Return the modules that import a library anywhere, functions included."""
    return {
        name_of(path)
        for path in MODULES
        if any(n.split(".")[0] == library for n in imports_in(path))
    }


def test_code_imports_methods_of_meta_from_their_modules():
    # The digest of a step follows import statements; lazy names would hide a module.
    scripts = (ROOT / "scripts").glob("*.py")
    for path in [*MODULES, *scripts]:
        assert "trialstats.meta" not in imports_in(path), path


@pytest.mark.parametrize("name", meta.__all__)
def test_public_names_of_meta_are_there(name):
    # A function and its module may share a name; the function is what a user means.
    assert not isinstance(getattr(meta, name), ModuleType)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    forbidden = FORBIDDEN.get(part_of(path), set()) - {part_of(path)}
    assert not parts_imported(tree_of(path)) & forbidden


def test_every_part_of_the_library_stands_on_a_floor():
    known = STATISTICS | DRAWING | MIDDLE | GROUND | {"__main__", "commands"}
    assert {part_of(path) for path in MODULES} <= known


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_relative_import_hides_from_these_tests(path):
    found = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.ImportFrom)]
    assert not [node for node in found if node.level]


def test_the_library_knows_no_snakemake():
    assert importers_of("snakemake") == set()


def test_pingouin_stands_behind_one_door():
    # GPL-3: the README says that one module imports it.
    assert len(importers_of("pingouin")) <= 1


def test_the_mixed_model_of_statsmodels_stands_behind_one_door():
    def uses(path):
        nodes = list(ast.walk(tree_of(path)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        return {"MixedLM", "mixedlm"} & names

    assert len([name_of(path) for path in MODULES if uses(path)]) <= 1


def test_the_second_engine_shares_no_mixed_model_with_the_first():
    first = {"mmrm", "lmm", "fixed_effects", "small_sample", "likelihood_ratio"}
    seconds = [path for path in MODULES if part_of(path) == "second_engine"]
    assert not [p for p in seconds if parts_imported(tree_of(p)) & first]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_modules_named_open_files(path):
    if part_of(path) in MAY_OPEN:
        return
    tree = tree_of(path)
    # `io.read_text` and names imported from it are the door itself.
    from_io = {n.rpartition(".")[2] for n in imports_of(tree) if "trialstats.io" in n}
    buffers = buffers_of(tree)
    opened = set()
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in OPENERS - from_io:
            opened.add(f"{call.func.id}, line {call.lineno}")
        elif isinstance(call.func, ast.Attribute) and call.func.attr in OPENERS:
            holder = call.func.value
            door = isinstance(holder, ast.Name) and holder.id == "io"
            in_memory = call.args and ast.unparse(call.args[0]) in buffers
            if not door and not in_memory:
                opened.add(f"{call.func.attr}, line {call.lineno}")
    assert not opened


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted((ROOT / "scripts").glob("*.py"))],
    ids=name_of,
)
def test_files_hold_one_thing(path):
    # 400 lines is the rule; 450 leaves room to finish a change before splitting.
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
    assert path.stem not in {"utils", "util", "helpers", "helper", "misc", "common"}


def test_no_two_modules_of_the_tests_share_a_name():
    # pytest imports the modules of folders without __init__.py by their bare names.
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    shared = {name for name, number in names.items() if number > 1}
    assert shared <= {"conftest.py"}


PAGES = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "config/README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
    if path.is_file()
]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_examples_in_the_documentation_are_true(path):
    text = path.read_text(encoding="utf-8")
    # Markdown ends an example with a fence, which doctest would take for output.
    code = "\n".join(
        "" if line.startswith("```") else line for line in text.split("\n")
    )
    test = doctest.DocTestParser().get_doctest(code, {}, path.name, str(path), 0)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)
