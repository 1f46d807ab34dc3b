"""The digest of library code follows the import statements of a script."""

import pytest

from trialstats.provenance import library_digest, modules_reached


@pytest.fixture
def tree(tmp_path):
    package = tmp_path / "trialstats"
    (package / "meta").mkdir(parents=True)
    (package / "report" / "templates").mkdir(parents=True)
    files = {
        "trialstats/__init__.py": "",
        "trialstats/io.py": "x = 1\n",
        "trialstats/lone.py": "x = 1\n",
        "trialstats/meta/__init__.py": "from trialstats.meta.pooling import pool\n",
        "trialstats/meta/pooling.py": "def pool():\n    from trialstats import rows\n",
        "trialstats/rows.py": "x = 1\n",
        "trialstats/report/__init__.py": "",
        "trialstats/report/page.py": "x = 1\n",
        "trialstats/report/templates/page.html": "<p>",
        "scripts/pool.py": "from trialstats import io\nimport trialstats.meta\n",
        "scripts/write.py": "from trialstats.report.page import x\n",
        "scripts/fit.py": "from trialstats.meta.means import x\n",
        "trialstats/meta/means.py": "x = 1\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def digest(tree, script):
    from trialstats.provenance import _imported_files

    _imported_files.cache_clear()
    return library_digest(f"scripts/{script}.py", root=tree)


def test_modules_are_found_directly_and_through_others(tree):
    reached = modules_reached([tree / "scripts/pool.py"], tree)
    names = {path.relative_to(tree).as_posix() for path in reached}
    assert names == {
        "trialstats/io.py",
        "trialstats/meta/__init__.py",
        "trialstats/meta/pooling.py",
        "trialstats/rows.py",
    }


@pytest.mark.parametrize(
    ("file", "script", "reruns"),
    [
        ("trialstats/rows.py", "pool", True),
        ("trialstats/meta/pooling.py", "pool", True),
        ("trialstats/lone.py", "pool", False),
        ("trialstats/meta/means.py", "fit", True),
        ("trialstats/meta/pooling.py", "fit", False),
        ("trialstats/__init__.py", "pool", False),
        ("trialstats/report/templates/page.html", "write", True),
        ("trialstats/report/templates/page.html", "pool", False),
    ],
)
def test_the_digest_changes_with_what_the_script_reaches(tree, file, script, reruns):
    before = digest(tree, script)
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert (digest(tree, script) != before) is reruns


def test_the_digest_does_not_depend_on_the_folder(tree, tmp_path_factory):
    import shutil

    other = tmp_path_factory.mktemp("other") / "place"
    shutil.copytree(tree, other)
    assert digest(tree, "pool") == digest(other, "pool")


def test_package_files_only_name_again_what_modules_define(root):
    """The digest leaves them out, so nothing may be computed there."""
    import ast

    # trialstats/meta lists its names as text and is imported by nothing of ours
    # (test_layers.py), so that no step can depend on it.
    packages = sorted((root / "trialstats").glob("*/__init__.py"))
    for path in (p for p in packages if p.parent.name != "meta"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named = isinstance(node, ast.ImportFrom) or (
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            )
            listed = isinstance(node, ast.Assign) and (
                isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == "__all__"
            )
            assert named or listed, f"{path}, line {node.lineno}"
