"""Write what make_beside.R reads: the effects of every pooled synthesis as CSV.

Usage: .venv/bin/python tests/reference/dossier/write_effects.py <file>

The effects themselves are R's, from results.json; only the settings of the main model
and the counts of the trials come from this project.
"""

import json
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from trialstats import io  # noqa: E402
from trialstats.analyses.synthesis import synthesise  # noqa: E402
from trialstats.analyses.trial import analyse_trial  # noqa: E402
from trialstats.clean.files import read_sources  # noqa: E402
from trialstats.clean.published import build_published  # noqa: E402
from trialstats.clean.trial import clean_trial  # noqa: E402
from trialstats.config.loading import load_project  # noqa: E402

TESTS = {"knapp_hartung": "knha", "knapp_hartung_adhoc": "adhoc", "wald": "z", "t": "t"}


def main(file: str) -> None:
    """Write one row a trial that has an effect, with 17 significant digits."""
    project = load_project(ROOT)
    published = project.config["published"]
    cells = {kind: io.read_cells(ROOT / path) for kind, path in published.items()}
    tables = build_published(**cells, files=published)
    fitted = {}
    for name, config in project.trials.items():
        clean = clean_trial(config, read_sources(config, root=ROOT))
        rows = analyse_trial(config, clean.adsl, clean.bds, clean.adae)
        fitted |= {f"{name}.{analysis}": frame for analysis, frame in rows.items()}
    path = Path(__file__).with_name("results.json")
    theirs = json.loads(path.read_text(encoding="utf-8"))["rows"]
    listed = []
    for name, config in project.syntheses.items():
        if not config["pooling"]:
            continue
        wanted = {n: fitted[n] for n in config.get("analyses") or ()}
        rows = synthesise(config, *tables, wanted)
        for effect in rows[rows["statistic"] == "effect"].to_dict("records"):
            stored = theirs[effect["row_id"]]
            if "estimate" not in stored:
                continue
            same = rows[rows["trial"] == effect["trial"]]
            numbers = {
                f"{statistic}_{side}": _number(same, statistic, group)
                for statistic in ("events", "n")
                for side, group in config["comparison"].items()
            }
            listed.append(
                {
                    "synthesis": name,
                    "trial": effect["trial"],
                    "measure": config["measure"],
                    "method": config["model"]["tau_squared"],
                    "test": TESTS[config["model"]["inference"]],
                    "yi": stored["estimate"],
                    "vi": stored["standard_error"] ** 2,
                }
                | numbers
            )
    pd.DataFrame(listed).to_csv(file, index=False, float_format="%.17g")


def _number(rows: pd.DataFrame, statistic: str, group: str) -> float | None:
    found = rows[(rows["statistic"] == statistic) & (rows["group"] == group)]
    return None if found.empty else float(found["estimate"].iloc[0])


if __name__ == "__main__":
    main(sys.argv[1])
