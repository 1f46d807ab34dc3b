"""Syntheses in which the examples of the schema are run: each key stands in one."""

import copy
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from tests.library.config.example_files import text, wobble
from tests.library.config.example_trials import Place, places_in
from trialstats import io
from trialstats.analyses.synthesis import synthesise
from trialstats.analyses.synthesis_inputs import select_evidence
from trialstats.clean.published import published_frames
from trialstats.clean.studies import build_studies
from trialstats.config.checking import check, with_defaults
from trialstats.config.loading import SCHEMAS
from trialstats.config.reading import load_yaml
from trialstats.config.syntheses import synthesis_problems

ROOT = Path(__file__).resolve().parents[3]
BASES = ROOT / "tests/reference/configurations/syntheses"
SCHEMA = load_yaml(SCHEMAS / "synthesis.schema.yaml")
NAMES = sorted(path.stem for path in BASES.glob("*.yaml"))


@cache
def _loaded(name: str) -> Any:
    return load_yaml(BASES / f"{name}.yaml")


def configuration(name: str) -> dict[str, Any]:
    """Return a synthesis that a test may change."""
    return copy.deepcopy(_loaded(name))


def places(path: Sequence[str]) -> Iterator[tuple[str, Place, Any]]:
    """Yield where a key stands in the syntheses, and its value there."""
    for name in NAMES:
        for place, value in places_in(_loaded(name), tuple(path)):
            yield name, place, value


def write_tables(folder: Path) -> None:
    """Write the tables of studies."""
    counts: list[list[Any]] = [
        [
            "study",
            "events_active",
            "no_events_active",
            "all_active",
            "events_placebo",
            "no_events_placebo",
            "all_placebo",
            "latitude",
            "allocation",
        ]
    ]
    means: list[list[Any]] = [
        [
            "study",
            "mean_active",
            "sd_active",
            "n_active",
            "mean_placebo",
            "sd_placebo",
            "n_placebo",
        ]
    ]
    rates: list[list[Any]] = [
        ["study", "attacks_active", "years_active", "attacks_placebo", "years_placebo"]
    ]
    ratios: list[list[Any]] = [
        [
            "study",
            "hazard_ratio",
            "lower",
            "upper",
            "log_hazard_ratio",
            "error",
            "patients",
        ]
    ]
    nested: list[list[Any]] = [["study", "clinic", "doctor", "effect", "variance"]]
    for n in range(1, 9):
        size = 900 if n == 7 else 40 + 10 * n
        name = f"Study {n}"
        event = 0 if n == 3 else round(size * (0.08 + 0.1 * wobble(n, 1)))
        other = round(size * (0.16 + 0.1 * wobble(n, 2)))
        if n == 4:
            event = other = 0
        allocation = ("random", "alternating")[n % 2]
        counts.append(
            [
                name,
                event,
                size - event,
                size,
                other,
                size - other,
                size,
                10 + 5 * n,
                allocation,
            ]
        )
        means.append([name, round(9 + wobble(n, 3), 2), 3.1, size, 10.2, 2.9, size])
        rates.append([name, 20 + n, 10 + n, 30 + 2 * n, 10 + n])
        log, error = -0.3 + 0.3 * wobble(n, 4), 0.1 + 0.02 * n
        limits = [2.718281828 ** (log + sign * 1.6448536 * error) for sign in (-1, 1)]
        ratios.append(
            [
                name,
                round(2.718281828**log, 4),
                *(round(v, 4) for v in limits),
                round(log, 4),
                error,
                size,
            ]
        )
        nested.append([name, 1 + n // 3, n, round(wobble(n, 5) - 0.5, 3), 0.05])
    made = {"counts": counts, "means": means, "rates": rates}
    made |= {"ratios": ratios, "nested": nested}
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name, rows in made.items():
        (folder / f"data/{name}.csv").write_bytes(text(rows))


def checked(name: str, config: Any, trials: Any) -> dict[str, Any]:
    """Return a synthesis after the checks that a run makes, with its defaults."""
    check(config, SCHEMA, file=name)
    filled: dict[str, Any] = with_defaults(config, SCHEMA) | {"id": config["synthesis"]}
    problems = synthesis_problems(filled, trials, file=name)
    assert not problems, "\n".join(problems)
    return filled


@cache
def _published() -> Any:
    names = {"trials": "trials", "continuous": "outcomes_continuous"}
    names |= {"binary": "outcomes_binary", "pools": "published_pools"}
    files = {kind: f"data/published/{name}.csv" for kind, name in names.items()}
    cells = {kind: io.read_cells(ROOT / file) for kind, file in files.items()}
    return published_frames(cells, files=files)


def pooled(config: Any, folder: Path, fitted: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of a synthesis."""
    studies = None
    if "studies" in config:
        cells = io.read_cells(folder / config["studies"]["file"])
        studies, _ = build_studies(cells, config["studies"])
    return synthesise(config, *select_evidence(config, *_published()), fitted, studies)
