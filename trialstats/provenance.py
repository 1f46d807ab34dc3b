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

#: Where statements stand within a statement.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


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
    names = {name for node in _statements(tree) for name in _imported_names(node, root)}
    found = {file for name in names if (file := _file_of(name, root))}
    return frozenset(found - {source})


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all statements and what holds them: the expressions import nothing."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in _BLOCKS:
            waiting += getattr(node, name, ())


def _imported_names(node: ast.AST, root: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            member = f"{node.module}.{alias.name}"
            yield member if _file_of(member, root) else node.module


def _file_of(name: str, root: Path) -> Path | None:
    """Return the file of a module of the package, by its dotted name.

    The ``__init__`` of a package above a module does not count: it only names again
    what its modules define, and following it would make every step depend on every
    module of the package.
    """
    parts = name.split(".")
    if parts[0] != PACKAGE or len(parts) == 1:
        return None
    stem = root.joinpath(*parts)
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None
