"""Simulate the visits that make_reference.R analyses; run once, the CSV is kept."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from trialstats.randomness import stream

N, WEEKS = 54, np.array([2.0, 4.0, 8.0, 12.0])


def main() -> None:
    """Write visits.csv beside this file."""
    random = stream(2026, "reference", "mmrm")
    arm = np.arange(N) % 3
    sex = random.integers(0, 2, N)
    base = random.normal(6, 1.2, N).round(2)
    days = (7 * WEEKS + random.integers(-3, 4, (N, 4))).astype(float)
    scale = np.array([1.0, 1.3, 1.2, 1.7])
    spread = np.outer(scale, scale) * 0.75 ** np.abs(
        np.subtract.outer(range(4), range(4))
    )
    noise = random.standard_normal((N, 4)) @ np.linalg.cholesky(spread).T
    mean = (
        -0.2 * (base[:, None] - 6)
        - 0.1 * arm[:, None] * np.arange(4)
        + 0.3 * sex[:, None]
    )
    change = (mean + noise).round(3)
    gone = np.maximum.accumulate(random.random((N, 4)) < 0.08, axis=1)
    gone |= random.random((N, 4)) < 0.06
    rows = pd.DataFrame(
        {
            "USUBJID": np.repeat([f"S{i:02d}" for i in range(N)], 4),
            "ARM": np.repeat(np.array(["Placebo", "Low", "High"])[arm], 4),
            "SEX": np.repeat(np.array(["F", "M"])[sex], 4),
            "BASE": np.repeat(base, 4),
            "AVISIT": np.tile([f"Week {week:02.0f}" for week in WEEKS], N),
            "ADY": days.ravel(),
            "WEIGHT": random.choice([0.5, 1.0, 1.5, 2.0], (N, 4)).ravel(),
            "CHG": np.where(gone, np.nan, change).ravel(),
        }
    )
    rows.to_csv(Path(__file__).parent / "visits.csv", index=False)


if __name__ == "__main__":
    main()
