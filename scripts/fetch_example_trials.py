"""Bring the data of the example trials to where their configuration looks for them.

The data of published trials are not part of this repository. They are copied from the
folder that TRIALSTATS_SHARED names (or the folder `shared` beside this repository), and
only what is new there. Without that folder nothing is copied, and this says so.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(dossier: Path) -> int:
    """Copy the data folders that the trials of `dossier` name; return the exit code."""
    shared = Path(os.environ.get("TRIALSTATS_SHARED", ROOT.parent / "shared"))
    source, target = shared / "trials", dossier / "data/raw"
    if not source.is_dir():
        print(
            f"the data of the example trials are absent ({source} is no folder); set "
            "TRIALSTATS_SHARED to the folder that holds trials/"
        )
        return 0
    copied = 0
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            copy = target / folder.name / file.name
            if copy.is_file() and copy.read_bytes() == file.read_bytes():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            copied += 1
    where = os.path.relpath(target)
    print(f"data of the example trials: {where} ({copied} files copied)")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:2]).resolve()))
