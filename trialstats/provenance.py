"""Which library source a step depends on, as a digest.

Snakemake reruns a step when its script changes, not when a module that the script
imports changes. A rule therefore carries the digest of the package modules that its
script reaches, found by following the import statements.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "trialstats"


def library_digest(*scripts: str | Path, root: str | Path) -> str:
    """Return the digest of all package modules and assets that `scripts` reach.

    Parameters
    ----------
    *scripts : path
        Python files to start from, relative to `root` or absolute.
    root : path
        The folder that holds the package folder ``trialstats``.

    Returns
    -------
    str
        Hexadecimal SHA-256 over the names and bytes of the modules reached, and of
        the files in a ``templates`` folder beside a module reached.
    """
    base = Path(root).resolve()
    digest = hashlib.sha256()
    for path in sorted(modules_reached([base / s for s in scripts], base)):
        digest.update(path.relative_to(base).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def modules_reached(starts: list[Path], root: Path) -> set[Path]:
    """Return the package files that the files `starts` import, directly or not."""
    reached: set[Path] = set()
    waiting = list(starts)
    while waiting:
        for found in _imported_files(waiting.pop(), root):
            if found not in reached:
                reached.add(found)
                waiting.append(found)
    assets = {
        asset
        for module in reached
        for asset in sorted((module.parent / "templates").glob("*"))
        if asset.is_file() and (module.parent / "templates").is_dir()
    }
    return reached | assets


@cache
def _imported_files(source: Path, root: Path) -> frozenset[Path]:
    """Return the package files named by the import statements of one file."""
    tree = ast.parse(source.read_bytes())
    found: set[Path] = set()
    for name in _imported_names(tree):
        found.update(_files_of(name, root))
    return frozenset(found - {source})


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(name: str, root: Path) -> Iterator[Path]:
    """Yield the module file of a dotted name, and its packages' `__init__` files.

    The top-level ``trialstats/__init__.py`` resolves public names lazily and computes
    nothing; counting it would make every step depend on every module.
    """
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return
    for depth in range(2, len(parts) + 1):
        stem = root.joinpath(*parts[:depth])
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                yield path
