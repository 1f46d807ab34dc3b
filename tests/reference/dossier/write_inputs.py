"""Write what make_reference.R reads: the cleaned datasets of the three trials as CSV.

Usage: .venv/bin/python tests/reference/dossier/write_inputs.py <folder>
"""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from trialstats.clean.files import read_sources  # noqa: E402
from trialstats.clean.trial import clean_trial  # noqa: E402
from trialstats.config.loading import load_project  # noqa: E402


def main(folder: str) -> None:
    """Write <folder>/<trial>_<dataset>.csv, numbers with 17 significant digits."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name, config in load_project(ROOT).trials.items():
        cleaned = clean_trial(config, read_sources(config, root=ROOT))
        datasets: dict[str, pd.DataFrame] = {
            "adsl": cleaned.adsl,
            "bds": cleaned.bds,
            "adae": cleaned.adae,
        }
        for dataset, frame in datasets.items():
            path = place / f"{name}_{dataset}.csv"
            frame.to_csv(path, index=False, float_format="%.17g")


if __name__ == "__main__":
    main(sys.argv[1])
