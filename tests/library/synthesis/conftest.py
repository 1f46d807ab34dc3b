"""The published tables and the syntheses of the repository."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from trialstats import io
from trialstats.analyses.synthesis import synthesise
from trialstats.clean.published import build_published
from trialstats.config.loading import load_yaml
from trialstats.rows import ESTIMATES, estimates_frame

FILES = {
    "trials": "data/published/trials.csv",
    "continuous": "data/published/outcomes_continuous.csv",
    "binary": "data/published/outcomes_binary.csv",
    "pools": "data/published/published_pools.csv",
}


@pytest.fixture(scope="session")
def files() -> dict[str, str]:
    """Return the published tables by name."""
    return FILES


@pytest.fixture(scope="session")
def raw(root) -> dict[str, pd.DataFrame]:
    return {name: io.read_cells(root / path) for name, path in FILES.items()}


@pytest.fixture
def cells(raw) -> dict[str, pd.DataFrame]:
    """Return the published cells, to be altered."""
    return {name: frame.copy() for name, frame in raw.items()}


@pytest.fixture(scope="session")
def build() -> Callable[[dict[str, pd.DataFrame]], Any]:
    return lambda cells: build_published(**cells, files=FILES)


@pytest.fixture(scope="session")
def published(raw, build):
    """Return effects, trials and pools as the repository has them."""
    return build(raw)


@pytest.fixture
def config(root) -> Callable[[str], dict[str, Any]]:
    """Return a function that loads one synthesis, to be altered."""

    def load(name: str) -> dict[str, Any]:
        return load_yaml(root / f"config/syntheses/{name}.yaml") | {"id": name}

    return load


@pytest.fixture(scope="session")
def every_synthesis(root) -> dict[str, dict[str, Any]]:
    paths = sorted((root / "config/syntheses").glob("*.yaml"))
    return {path.stem: load_yaml(path) | {"id": path.stem} for path in paths}


def fitted_rows(
    name: str, estimate: float, error: float, **values: Any
) -> pd.DataFrame:
    """Return the rows of a trial whose fitted difference is given."""
    trial, analysis = name.split(".")
    row = {
        "row_id": f"{name}.difference",
        "kind": "trial",
        "trial": trial,
        "analysis": analysis,
        "parameter": "PAINNRS",
        "role": "primary",
        "statistic": "difference",
        "scale": "natural",
        "estimate": estimate,
        "standard_error": error,
        "n_subjects": 40,
        "method": "ANCOVA",
        "data_status": "synthetic",
    }
    return estimates_frame([row | values])


@pytest.fixture(scope="session")
def fitted() -> Callable[..., pd.DataFrame]:
    return fitted_rows


@pytest.fixture(scope="session")
def trial_rows() -> dict[str, pd.DataFrame]:
    names = ("fm_parallel_synthetic.pain_week12", "fm_crossover_synthetic.pain_week6")
    return {
        n: fitted_rows(n, e, 0.25) for n, e in zip(names, (-0.5, -0.9), strict=True)
    }


@pytest.fixture(scope="session")
def run(published, trial_rows) -> Callable[[dict[str, Any]], pd.DataFrame]:
    return lambda config: synthesise(config, *published, trial_rows)


@pytest.fixture
def stored(tmp_path) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a function that writes estimates and reads them back."""

    def back(rows: pd.DataFrame) -> pd.DataFrame:
        io.write_table(rows, tmp_path / "rows.parquet", ESTIMATES)
        return io.read_table(tmp_path / "rows.parquet", ESTIMATES)

    return back
