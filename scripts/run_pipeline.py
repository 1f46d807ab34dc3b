"""Run the pipeline and end by saying where the report is, or what went wrong.

Run by `make report`; `snakemake --cores all` does the same work. A folder as argument
is that of another dossier, such as config/examples/meta_analysis.
"""

import os
import sys
from pathlib import Path

from _pipeline import run_pipeline

LOG = Path("logs/snakemake.log")


def main(folder: Path) -> int:
    """Run the workflow in `folder`; return the exit code."""
    print("running the pipeline", flush=True)
    report = os.path.relpath(folder / "results/report.html")
    outcome = run_pipeline(
        folder, log=folder / LOG, show=lambda line: print(f"  {line}", flush=True)
    )
    if outcome.code:
        print("\n" + "\n\n".join(outcome.messages), file=sys.stderr)
        place = os.path.relpath(folder / LOG)
        print(f"everything Snakemake said: {place}", file=sys.stderr)
        if any("cannot be locked" in message for message in outcome.messages):
            print(
                "If no other run is at work here: "
                ".venv/bin/python -m snakemake --unlock",
                file=sys.stderr,
            )
        return 1
    if outcome.nothing_to_do:
        print(f"nothing to do: {report} is up to date")
    elif folder == Path.cwd():
        print(f"report: {report} (make verify checks it)")
    else:
        print(f"report: {report}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(*sys.argv[1:2]).resolve()))
    except KeyboardInterrupt:
        sys.exit("\nstopped; run make report again to go on")
