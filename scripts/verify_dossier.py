"""Check the dossier: rerun it in a fresh folder and compare every digest.

Run by `make verify`. Exit code 0: identical. 1: something differs, and is named. 2: it
could not be checked.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from _pipeline import run_pipeline

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trialstats.errors import TrialstatsError  # noqa: E402
from trialstats.report.manifest import (  # noqa: E402
    Comparison,
    Difference,
    altered_outputs,
    compare_manifests,
    read_manifest,
    source_files,
)

MANIFEST = "results/manifest.json"


def main(root: Path, keep: Path | None) -> int:
    """Verify the dossier in `root`; return the exit code."""
    if keep is not None and keep.exists() and any(keep.iterdir()):
        print(f"{keep} is not empty; name a new folder", file=sys.stderr)
        return 2
    if not (root / MANIFEST).is_file():
        print(f"there is no {MANIFEST}: run make report first", file=sys.stderr)
        return 2
    manifest = read_manifest(root / MANIFEST)
    altered = altered_outputs(root, manifest)
    show_names("no longer as the manifest says (edited, or half rerun)", altered)
    if keep is not None:
        return rerun_and_compare(root, keep, manifest, bool(altered))
    with tempfile.TemporaryDirectory(prefix="trialstats-verify-") as folder:
        return rerun_and_compare(root, Path(folder), manifest, bool(altered))


def rerun_and_compare(
    root: Path, folder: Path, manifest: dict[str, dict[str, str]], altered: bool
) -> int:
    """Make the dossier again in `folder` and say what differs."""
    for path in source_files(root):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, folder / path)
    print(f"rerunning everything in {folder}", flush=True)
    outcome = run_pipeline(
        folder,
        log=folder / "logs/snakemake.log",
        show=lambda line: print(f"  {line}", flush=True),
    )
    if outcome.code:
        print("the rerun failed\n" + "\n\n".join(outcome.messages), file=sys.stderr)
        print("to look at it: python scripts/verify_dossier.py --keep FOLDER")
        return 2
    comparison = compare_manifests(manifest, read_manifest(folder / MANIFEST))
    if altered and comparison.identical:
        print("a rerun gives what the manifest says; the files named above do not")
        print("make clean and make report bring them back")
    else:
        show(comparison)
    return 0 if comparison.identical and not altered else 1


def show(comparison: Comparison) -> None:
    """Print what differs, or that nothing does."""
    if comparison.identical:
        print(
            f"identical: {comparison.n_outputs} outputs, {comparison.n_inputs} inputs"
        )
        return
    print(
        "not identical: since results/ was made and in a rerun of it as things are now"
    )
    show_difference("input", comparison.inputs)
    show_difference("version", comparison.versions)
    show_difference("output", comparison.outputs)
    if not comparison.outputs:
        print("the outputs are identical; make report renews the manifest")


def show_difference(kind: str, difference: Difference) -> None:
    """Print one kind of difference."""
    show_names(f"changed {kind}s", difference.changed)
    show_names(f"new {kind}s", difference.added)
    show_names(f"{kind}s no longer there", difference.removed)


def show_names(heading: str, names: list[str] | tuple[str, ...]) -> None:
    """Print names below a heading, nothing when there are none."""
    if names:
        print(f"{heading}:", *(f"  {name}" for name in names), sep="\n", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="rerun here and keep"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args()
    try:
        sys.exit(main(options.root.resolve(), options.keep and options.keep.resolve()))
    except TrialstatsError as reason:
        print(reason, file=sys.stderr)
        sys.exit(2)
