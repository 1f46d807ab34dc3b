"""Time the report against the number of trials and syntheses, and weigh its page.

Takes the results of a finished dossier (`make report` first) and repeats its trials and
syntheses under new names: `python scripts/bench_report.py`. Where Chromium and
playwright are installed it also says when the page is interactive.
"""

import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trialstats import cleaning_rows, evidence_rows, io, rows  # noqa: E402
from trialstats.analyses.evidence import EVIDENCE  # noqa: E402
from trialstats.config.loading import load_project  # noqa: E402
from trialstats.exports import DATA_DICTIONARY  # noqa: E402
from trialstats.report.content import (  # noqa: E402
    Figure,
    SynthesisMaterial,
    TrialMaterial,
    figure_of,
)
from trialstats.report.page import write_report  # noqa: E402
from trialstats.report.sections import build_content  # noqa: E402

RESULTS = ROOT / "results"

#: Trials and syntheses; the first are those of the dossier itself.
SIZES = ((3, 17), (10, 40), (30, 100))

DATASETS = {
    "adsl": rows.ADSL_CORE,
    "bds": rows.BDS,
    "adae": rows.ADAE,
    "adtte": rows.ADTTE,
}


def read(path: str, schema: Any) -> pd.DataFrame:
    return io.read_table(str(RESULTS / path), schema)


def figures(pattern: str) -> tuple[Figure, ...]:
    found = sorted((RESULTS / "figures").glob(f"{pattern}.svg"))
    return tuple(figure_of(path.stem, io.read_text(path)) for path in found)


def trial_material(name: str, config: Mapping[str, Any]) -> TrialMaterial:
    place = f"datasets/{name}"
    paths = sorted((RESULTS / "estimates/trial" / name).glob("*.parquet"))
    fitted = [io.read_table(str(path), rows.ESTIMATES) for path in paths]
    return TrialMaterial(
        config=config,
        rows=pd.concat([f for f in fitted if len(f)], ignore_index=True),
        account=read(f"{place}/steps.parquet", cleaning_rows.STEPS),
        changes=read(f"{place}/changes.parquet", cleaning_rows.CHANGES),
        queries=read(f"{place}/queries.parquet", rows.QUERIES),
        set_aside=read(f"{place}/set_aside.parquet", rows.SET_ASIDE),
        dictionary=read(f"{place}/dictionary.parquet", DATA_DICTIONARY),
        figures=figures(f"{name}_*"),
        datasets={k: read(f"{place}/{k}.parquet", s) for k, s in DATASETS.items()},
    )


def synthesis_material(name: str, config: Mapping[str, Any]) -> SynthesisMaterial:
    estimates = read(f"estimates/synthesis/{name}.parquet", rows.ESTIMATES)
    drawn = (*figures(name), *figures(f"{name}.*"))
    return SynthesisMaterial(config, estimates, drawn)


def repeated(material: Any, key: str, number: int) -> Any:
    """Return a material under another name, its rows and figures renamed with it."""
    old = str(material.config["id"])
    slug = rows.row_key(old)
    new, new_slug = f"{old}_{number}", f"{slug}-{number}"
    named = {"id": new} | ({key: new} if key in material.config else {})
    named = {**named, "trial": material.config["trial"]} if key == "trial" else named

    def renamed(svg: str) -> str:
        svg = re.sub(rf'(?<=[" ]){slug}\.', f"{new_slug}.", svg)
        return svg.replace(f":{old}:", f":{new}:")

    ids = material.rows["row_id"].str.replace(rf"^{slug}\.", f"{new_slug}.", regex=True)
    return replace(
        material,
        config={**material.config, **named},
        rows=material.rows.assign(**{"row_id": ids, key: new}),
        figures=tuple(
            replace(f, id=f.id.replace(old, new, 1), svg=renamed(f.svg))
            for f in material.figures
        ),
    )


def several(materials: list[Any], key: str, count: int) -> list[Any]:
    whole = list(materials[:count])
    while len(whole) < count:
        number, at = divmod(len(whole), len(materials))
        whole.append(repeated(materials[at], key, number))
    return whole


def interactive(page: Path) -> str:
    """Return the seconds after which Chromium can be used, or why there are none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        return "no Chromium"
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        shown = browser.new_page(viewport={"width": 1440, "height": 900})
        shown.goto(page.as_uri())
        took = shown.evaluate(
            "performance.getEntriesByType('navigation')[0].domInteractive"
        )
        browser.close()
    return f"interactive after {took / 1000:.1f} s"


def main() -> None:
    project = load_project(ROOT)
    trials = [trial_material(n, c) for n, c in project.trials.items()]
    pooled = [synthesis_material(n, c) for n, c in project.syntheses.items()]
    compared = sorted((RESULTS / "estimates/agreement").glob("*.parquet"))
    agreement = [io.read_table(str(path), rows.AGREEMENT) for path in compared]
    evidence_map = figures("evidence_map")
    published = {
        "published_trials": ("trials", evidence_rows.PUBLISHED_TRIALS),
        "published_effects": ("effects", evidence_rows.EFFECTS),
        "published_warnings": ("warnings", cleaning_rows.PUBLISHED_WARNINGS),
    }
    shared = {
        name: read(f"datasets/published/{file}.parquet", schema)
        for name, (file, schema) in published.items()
    }
    for n_trials, n_syntheses in SIZES:
        began = time.perf_counter()
        content = build_content(
            project.config,
            several(trials, "trial", n_trials),
            several(pooled, "synthesis", n_syntheses),
            **shared,
            evidence=read("estimates/evidence_map.parquet", EVIDENCE),
            evidence_figure=evidence_map[0] if evidence_map else None,
            agreement=pd.concat([a for a in agreement if len(a)], ignore_index=True),
            certainty=read(
                "datasets/judgements/certainty.parquet", evidence_rows.CERTAINTY
            ),
            versions={},
            digests={},
        )
        page = write_report(content)
        seconds = time.perf_counter() - began
        with TemporaryDirectory(prefix="trialstats-") as folder:
            file = Path(folder) / "report.html"
            io.write_text(page, str(file))
            size = file.stat().st_size / 1e6
            opened = interactive(file)
        print(
            f"{n_trials} trials, {n_syntheses} syntheses: {seconds:.1f} s, "
            f"{size:.1f} MB, {opened}"
        )


if __name__ == "__main__":
    main()
