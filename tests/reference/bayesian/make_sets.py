"""Make the data sets on which Bayesian pooling is compared: sets.json.

Few and many trials, effects that agree too well and that do not agree at all,
variances that span twelve powers of ten, priors that the data contradict.
`python tests/reference/bayesian/make_sets.py` in the repository writes the file.
"""

import json
from pathlib import Path

import numpy as np

from trialstats.randomness import stream

SEED = 20260603

#: Name -> number of trials, tau, power of ten that the variances span (around 0.1),
#: prior, its scale, its df, prior of mu.
SETS = {
    "one_trial": (1, 0.0, 0, "half_normal", 0.5, None, None),
    "one_trial_mean_prior": (1, 0.3, 0, "half_cauchy", 0.5, None, (0.0, 2.0)),
    "two_trials": (2, 0.3, 1, "half_normal", 0.5, None, None),
    "two_trials_cauchy": (2, 0.3, 1, "half_cauchy", 0.5, None, None),
    "two_trials_uniform_mean_prior": (2, 0.3, 1, "uniform", None, None, (0.2, 1.0)),
    "three_trials_uniform": (3, 0.5, 1, "uniform", None, None, None),
    "three_trials": (3, 0.2, 1, "half_normal", 1.0, None, None),
    "three_identical": (3, None, 1, "half_normal", 0.5, None, None),
    "four_trials_t": (4, 0.4, 1, "half_t", 0.3, 4.0, None),
    "five_trials_exponential": (5, 0.2, 1, "exponential", 0.4, None, None),
    "five_bounded": (5, 0.6, 1, "uniform", 0.5, None, None),
    "six_homogeneous": (6, 0.0, 1, "half_cauchy", 1.0, None, None),
    "six_mean_prior": (6, 0.3, 1, "half_normal", 0.5, None, (0.0, 0.5)),
    "eight_trials": (8, 0.3, 2, "half_normal", 0.5, None, None),
    "eight_far_apart": (8, 30.0, 1, "half_cauchy", 0.5, None, None),
    "five_contradict_the_prior": (5, 5.0, 0, "half_normal", 0.2, None, None),
    "six_span_twelve": (6, 0.3, 12, "half_normal", 0.5, None, None),
    "four_span_twelve_cauchy": (4, 0.0, 12, "half_cauchy", 0.5, None, None),
    "twelve_trials": (12, 0.1, 2, "half_normal", 0.5, None, None),
    "twenty_uniform": (20, 0.3, 2, "uniform", None, None, None),
    "forty_trials": (40, 0.4, 2, "half_normal", 0.5, None, None),
    "forty_far_apart": (40, 10.0, 3, "half_cauchy", 1.0, None, None),
}


def made(name: str) -> dict[str, object]:
    k, tau, span, prior, scale, df, mean_prior = SETS[name]
    random = stream(SEED, "bayesian sets", name)
    exponent = np.linspace(-span / 2, span / 2, k) if k > 1 else np.zeros(1)
    variance = 0.1 * 10.0 ** (exponent + 0.2 * random.uniform(-1, 1, k))
    if tau is None:
        effect = np.full(k, 0.4)
    else:
        effect = 0.3 + np.sqrt(variance + tau**2) * random.standard_normal(k)
    order = random.permutation(k)
    return {
        "effect": [float(f"{x:.9g}") for x in effect[order]],
        "variance": [float(f"{x:.6g}") for x in variance[order]],
        "prior": prior,
        "scale": scale,
        "df": df,
        "mean_prior": mean_prior,
    }


if __name__ == "__main__":
    place = Path(__file__).with_name("sets.json")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(made(name))}" for name in SETS)
    place.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
