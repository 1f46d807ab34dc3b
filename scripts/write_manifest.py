"""Write the digests of all that the dossier was made from, and of the dossier."""

import platform
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

from _step import run

from trialstats.io import read_text, write_text
from trialstats.report.manifest import build_manifest, manifest_text, source_files


def main(
    outputs: list[str], manifest: str, *, root: str = ".", sources: str = ""
) -> None:
    # `sources` only makes Snakemake renew the manifest when a source has changed.
    project = tomllib.loads(read_text(Path(root) / "pyproject.toml"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    needed = [*project["dependencies"], *(need for extra in extras for need in extra)]
    names = [re.split(r"[^\w.-]", need)[0] for need in needed]
    built = build_manifest(
        root,
        inputs=source_files(root),
        outputs=outputs,
        versions={name: version(name) for name in names}
        | {"python": platform.python_version(), project["name"]: project["version"]},
    )
    write_text(manifest_text(built), manifest)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
