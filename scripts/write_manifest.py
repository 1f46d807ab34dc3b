"""Write the digests of all that the dossier was made from, and of the dossier."""

from _step import run

from trialstats.io import write_text
from trialstats.report.manifest import (
    CODE,
    build_manifest,
    installed_versions,
    manifest_text,
    source_files,
)


def main(outputs: list[str], manifest: str) -> None:
    built = build_manifest(
        ".",
        inputs=source_files(".", CODE),
        outputs=outputs,
        versions=installed_versions(CODE),
        code=CODE,
    )
    write_text(manifest_text(built), manifest)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
