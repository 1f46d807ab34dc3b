"""Draw the meta-analyses of docs/comparison_with_metafor.md; by itself, only ours.

``--metafor`` draws those of R's metafor too, with scripts/draw_comparison.R.
"""

import csv
import io as streams
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trialstats import io, rows  # noqa: E402
from trialstats.analyses.synthesis import synthesise  # noqa: E402
from trialstats.analyses.synthesis_inputs import select_evidence  # noqa: E402
from trialstats.clean.published import published_frames  # noqa: E402
from trialstats.clean.studies import build_studies  # noqa: E402
from trialstats.config.checking import with_defaults  # noqa: E402
from trialstats.config.loading import SCHEMAS  # noqa: E402
from trialstats.config.reading import load_yaml  # noqa: E402
from trialstats.figures.forest import forest_plot  # noqa: E402
from trialstats.figures.funnel import funnel_plot  # noqa: E402
from trialstats.figures.render import render  # noqa: E402
from trialstats.records import find, records  # noqa: E402

FOLDER = ROOT / "docs/images/comparison"
EXAMPLES = ROOT / "config/examples/meta_analysis"

#: Picture -> its synthesis, and whether it is among the examples.
PICTURES = {
    "continuous": ("pain_across_conditions", False),
    "binary": ("magnesium", True),
    "subgroups": ("bcg_vaccine", True),
    "funnel": ("passive_smoking", True),
}

#: Colours of a picture: few, so that it is small.
COLOURS = 64


def configuration(name: str, folder: Path) -> dict[str, Any]:
    """Return a synthesis with its defaults, without the models beside the main one."""
    config = load_yaml(folder / f"config/syntheses/{name}.yaml")
    schema = load_yaml(SCHEMAS / "synthesis.schema.yaml")
    beside = ("sensitivity", "published_pools", "moderators", "bayesian")
    kept = {key: value for key, value in config.items() if key not in beside}
    filled: dict[str, Any] = with_defaults(kept, schema) | {"id": name}
    return filled


def pooled(config: Mapping[str, Any], folder: Path) -> pd.DataFrame:
    """Return the rows of a synthesis as they are stored."""
    studies, published = None, (frame(), frame(), frame())
    if "studies" in config:
        cells = io.read_cells(folder / config["studies"]["file"])
        studies, _ = build_studies(cells, config["studies"])
    published = select_evidence(config, *published_evidence())
    made = synthesise(config, *published, {}, studies)
    numbers = [f.name for f in rows.ESTIMATES if f.type == rows.NUMBER]
    for column in numbers:
        values = pd.to_numeric(made[column]).to_numpy(dtype=float)
        made[column] = rows.stored_numbers(values)
    return made


def frame() -> pd.DataFrame:
    return pd.DataFrame()


def published_evidence() -> tuple[pd.DataFrame, ...]:
    """Return the published tables of the dossier."""
    names = {"trials": "trials", "continuous": "outcomes_continuous"}
    names |= {"binary": "outcomes_binary", "pools": "published_pools"}
    files = {kind: f"data/published/{name}.csv" for kind, name in names.items()}
    cells = {kind: io.read_cells(ROOT / file) for kind, file in files.items()}
    frames: tuple[pd.DataFrame, ...] = published_frames(cells, files=files)
    return frames


def labels() -> dict[str, str]:
    """Name the published trials as figures print them."""
    cells = io.read_cells(ROOT / "data/published/trials.csv")
    return dict(zip(cells["trial_id"], cells["label"], strict=True))


def picture(name: str) -> bytes:
    """Return a picture of ours as a small PNG."""
    synthesis, example = PICTURES[name]
    folder = EXAMPLES if example else ROOT
    config = configuration(synthesis, folder)
    return small(drawn(name, pooled(config, folder), config))


def drawn(name: str, made: pd.DataFrame, config: Mapping[str, Any]) -> Figure:
    """Draw a picture from its rows, as a dossier draws it."""
    if name == "funnel":
        return funnel_plot(made, synthesis=config, labels=labels())
    # Without the Bayesian model that stands beside every pooled effect.
    kept = made[~made["model_id"].fillna("").str.startswith("bayesian")]
    plain = {**config, "notes": [], "figure": {"show_sensitivity": False}}
    return forest_plot(kept, synthesis=plain, labels=labels())


def small(figure: Figure) -> bytes:
    """Return a figure at half the usual resolution and with few colours."""
    buffer = streams.BytesIO()
    with Image.open(streams.BytesIO(render(figure, "png"))) as full:
        # Averages of four pixels, which are the same on every machine.
        halved = full.convert("RGB").reduce(2)
    halved.quantize(
        COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    ).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def effects_for_r() -> str:
    """Return the effects of the published trials as CSV, for metafor."""
    name, _ = PICTURES["continuous"]
    found = records(pooled(configuration(name, ROOT), ROOT))
    buffer = streams.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["trial", "effect", "standard_error", "n"])
    named = labels()
    for row in find(found, statistic="effect"):
        values = (row["estimate"], row["standard_error"], row["n_subjects"])
        writer.writerow([named[str(row["trial"])], *values])
    return buffer.getvalue()


def main(arguments: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        io.write_bytes(picture(name), FOLDER / f"{name}.png")
    io.write_text(effects_for_r(), FOLDER / "pain_across_conditions.csv")
    if "--metafor" in arguments:
        script = Path(__file__).with_suffix(".R")
        subprocess.run(["Rscript", str(script)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
