"""Write visits.csv: 60 subjects at three visits, unbalanced, with missing values."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def visits() -> pd.DataFrame:
    """Return the frame; the seed fixes it."""
    rng = np.random.default_rng(20240607)
    n = 60
    arm = rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2])
    sex = rng.choice(["F", "M"], n, p=[0.65, 0.35])
    site = rng.choice(["S1", "S2", "S3", "S4"], n, p=[0.4, 0.3, 0.2, 0.1])
    base = rng.normal(20, 4, n).round(1)
    age = rng.normal(50, 11, n).round()
    own = rng.normal(0, 2, n)
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"P{i:02d}" for i in range(n)], 3),
            "arm": np.repeat(arm, 3),
            "sex": np.repeat(sex, 3),
            "site": np.repeat(site, 3),
            "visit": np.tile(["V1", "V2", "V3"], n),
            "base": np.repeat(base, 3),
            "age": np.repeat(age, 3),
        }
    )
    effect = frame["arm"].map({"A": 0.0, "B": 1.0, "C": -1.0}) * (
        1 + 0.5 * (frame["visit"] == "V3")
    )
    noise = rng.normal(0, 1.5, 3 * n)
    frame["y"] = (0.4 * frame["base"] + effect + np.repeat(own, 3) + noise).round(3)
    frame.loc[rng.random(3 * n) < 0.15, "y"] = np.nan
    return frame


if __name__ == "__main__":
    visits().to_csv(Path(sys.argv[1]), index=False)
