"""The manifest of a dossier: what it was made from, and what came out, as digests.

There is no date in it and no path outside the repository, so that two runs on the same
files give the same bytes. Two manifests tell what differs between two dossiers.
"""

import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trialstats import io
from trialstats.errors import DataError
from trialstats.version import __version__

#: Part of the manifest -> files and folders of the repository that belong to it.
PARTS: dict[str, tuple[str, ...]] = {
    "inputs": ("data",),
    "configuration": ("config",),
    "source": ("Snakefile", "workflow", "scripts", "trialstats"),
    "lock": ("requirements.lock", "environment.yml", "pyproject.toml"),
}

OUTPUTS, VERSIONS = "outputs", "versions"

_PLACES = [place for places in PARTS.values() for place in places]

#: Folders that programs leave behind and nobody wrote.
_LEFT_BEHIND = {"__pycache__"}

#: Dossiers of their own, each with its own manifest.
_EXAMPLES = "config/examples"


#: Parts that stand with the code; the others stand in the folder of the dossier.
_OF_CODE = ("source", "lock")

#: The repository from which this code runs.
CODE = Path(__file__).resolve().parents[2]


def source_files(root: str | Path = ".", code: str | Path | None = None) -> list[str]:
    """List the files that a dossier is made from, relative to where they stand.

    Parameters
    ----------
    root : path
        Folder of the dossier.
    code : path, optional
        The repository, where the dossier is a folder of its own.

    Returns
    -------
    list of str
        Every file of `PARTS`, sorted; hidden files and caches are left out.
    """
    found: list[str] = []
    for part, places in PARTS.items():
        base = _base(part, root, code)
        for place in places:
            if (base / place).is_file():
                found.append(place)
            found += [
                path.relative_to(base).as_posix()
                for path in (base / place).rglob("*")
                if path.is_file() and _is_written(path.relative_to(base))
            ]
    return sorted(found)


def _base(part: str, root: str | Path, code: str | Path | None) -> Path:
    return Path(root if code is None or part not in _OF_CODE else code)


def _is_written(path: Path) -> bool:
    if path.is_relative_to(_EXAMPLES):
        return False
    return not any(p.startswith(".") or p in _LEFT_BEHIND for p in path.parts)


def source_digest(root: str | Path = ".", code: str | Path | None = None) -> str:
    """Return one digest over the names and bytes of all `source_files`.

    As a param of the rule that writes the manifest it makes Snakemake renew the
    manifest when only a comment or a page of documentation has changed.
    """
    digest = hashlib.sha256()
    for path in source_files(root, code):
        found = _base(_part_of(path), root, code) / path
        digest.update(f"{path}\0{_digest(found)}\0".encode())
    return digest.hexdigest()


def _part_of(path: str) -> str:
    """Return the part of the manifest that holds an input.

    Raises
    ------
    DataError
        When there is none.
    """
    place = path.split("/")[0]
    for part, places in PARTS.items():
        if place in places:
            return part
    raise DataError(
        "no part of the manifest holds this input",
        file=path,
        remedy=f"put it below one of {', '.join(_PLACES)}",
    )


def installed_versions(root: str | Path = ".") -> dict[str, str]:
    """Return the versions of Python, of the project and of its direct dependencies.

    Parameters
    ----------
    root : path
        The repository, whose ``pyproject.toml`` names the dependencies.
    """
    project = tomllib.loads(io.read_text(Path(root) / "pyproject.toml"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    needed = [*project["dependencies"], *(need for extra in extras for need in extra)]
    names = [re.split(r"[^\w.-]", need)[0] for need in needed]
    return {name: version(name) for name in names} | {
        "python": platform.python_version(),
        project["name"]: __version__,
    }


def file_digests(paths: Iterable[str], root: str | Path = ".") -> dict[str, str]:
    """Return the SHA-256 of files, by their paths relative to `root`."""
    return {path: _digest(Path(root) / path) for path in paths}


def build_manifest(
    root: str | Path,
    *,
    inputs: Iterable[str],
    outputs: Iterable[str],
    versions: Mapping[str, str],
    code: str | Path | None = None,
) -> dict[str, dict[str, str]]:
    """Return the digests of what a dossier was made from and of what was made.

    Parameters
    ----------
    root : path
        Folder of the dossier.
    inputs, outputs : iterable of str
        Files relative to `root`; the inputs are sorted into `PARTS` by their folder.
    versions : mapping
        Name of a program or library -> its version.
    code : path, optional
        The repository, where the dossier is a folder of its own.

    Returns
    -------
    dict
        Part -> path -> SHA-256, and ``versions``; sorted.

    Raises
    ------
    DataError
        When an input belongs to no part, or a file is absent.
    """
    parts: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for path in sorted(set(inputs)):
        part = _part_of(path)
        parts[part][path] = _digest(_base(part, root, code) / path)
    made = {path: _digest(Path(root) / path) for path in sorted(set(outputs))}
    return {VERSIONS: dict(sorted(versions.items())), **parts, OUTPUTS: made}


def _digest(path: Path) -> str:
    if not path.is_file():
        raise DataError("there is no such file", file=str(path))
    return hashlib.sha256(io.read_bytes(path)).hexdigest()


def manifest_text(manifest: Mapping[str, Mapping[str, str]]) -> str:
    """Return a manifest as JSON, one file a line, with a final line end."""
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def read_manifest(path: str | Path) -> dict[str, dict[str, str]]:
    """Read what `manifest_text` wrote.

    Raises
    ------
    DataError
        When the file is absent or is not a manifest.
    """
    if not Path(path).is_file():
        raise DataError(
            "there is no such file", file=str(path), remedy="run make report"
        )
    try:
        manifest: Any = json.loads(io.read_text(path))
    except ValueError as reason:
        raise DataError(
            f"not JSON: {reason}", file=str(path), remedy="run make clean, make report"
        ) from None
    parts = {VERSIONS, *PARTS, OUTPUTS}
    if not isinstance(manifest, dict) or set(manifest) != parts:
        raise DataError(
            f"not a manifest with the parts {', '.join(sorted(parts))}",
            file=str(path),
            remedy="run make clean, make report",
        )
    return manifest


def altered_outputs(
    root: str | Path, manifest: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """List the outputs that are absent or whose bytes are not those of the manifest."""
    return [
        path
        for path, digest in manifest[OUTPUTS].items()
        if not (Path(root) / path).is_file() or _digest(Path(root) / path) != digest
    ]


@dataclass(frozen=True, slots=True)
class Difference:
    """Names whose digest (or version) differs, that are new, and that are gone."""

    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Return whether there is any difference."""
        return bool(self.changed or self.added or self.removed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two manifests; `inputs` are all that is not made."""

    inputs: Difference
    outputs: Difference
    versions: Difference
    n_inputs: int
    n_outputs: int

    @property
    def identical(self) -> bool:
        """Return whether nothing differs."""
        return not (self.inputs or self.outputs or self.versions)


def compare_manifests(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> Comparison:
    """Return what differs from `old` to `new`, with the counts of `new`."""
    return Comparison(
        inputs=_difference(_inputs(old), _inputs(new)),
        outputs=_difference(old[OUTPUTS], new[OUTPUTS]),
        versions=_difference(old[VERSIONS], new[VERSIONS]),
        n_inputs=len(_inputs(new)),
        n_outputs=len(new[OUTPUTS]),
    )


def _inputs(manifest: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {path: digest for part in PARTS for path, digest in manifest[part].items()}


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> Difference:
    return Difference(
        changed=tuple(sorted(n for n in old.keys() & new.keys() if old[n] != new[n])),
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
    )
