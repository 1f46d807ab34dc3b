"""What the simulation of few trials says: every number is taken from the table."""

import pandas as pd

from trialstats.simulation.small_k import PER_ARM, VARIANCE

#: Coverage that counts as held.
LOWEST, HIGHEST = 0.93, 0.97

NAMES = {
    "wald": "Wald",
    "t": "t",
    "knapp_hartung": "Hartung-Knapp",
    "knapp_hartung_adhoc": "Hartung-Knapp, ad hoc",
    "wald, DL": "Wald, DerSimonian-Laird",
    "knapp_hartung, DL": "Hartung-Knapp, DerSimonian-Laird",
    "knapp_hartung, PM": "Hartung-Knapp, Paule-Mandel",
    "bayesian, half-normal 0.5": "Bayesian, half-normal 0.5",
    "bayesian, half-normal 1": "Bayesian, half-normal 1",
}

#: Methods of the tables of coverage and width.
_TABLED = (
    *("wald", "t", "knapp_hartung", "knapp_hartung_adhoc"),
    *("knapp_hartung, PM", "bayesian, half-normal 0.5", "bayesian, half-normal 1"),
)

PAGE = """# Coverage of intervals for the effect of few trials

`make validate-small-k` draws {n_sets:,} meta-analyses of every cell with seed {seed}
and writes this page; grid and seed were fixed before the first run
(`trialstats/simulation/small_k.py`). All methods see the same sets. Full results:
[validation_small_k.csv](validation_small_k.csv).

- **Trials**: 2 to 10, normal effects with known variances of {variance:g} (a log risk
  ratio with 40 events); all of one size, or the first ten times as large as the
  others. The variance between trials makes an I-squared of 0, 25, 50, 75 or 90 % at
  the typical sampling variance.
- **Counts**: 2, 3, 4, 5, 7 or 10 trials of two arms with {per_arm} people each, risk
  under control 1, 5 or 20 %, risk ratio 0.7 and a standard deviation between trials of
  0 or 0.4; 0.5 is added to tables with a zero cell, trials without events have no
  effect.
- **Methods**: REML with normal, t, Hartung-Knapp and ad hoc intervals (never narrower
  than t); DerSimonian-Laird and Paule-Mandel; the Bayesian model with a half-normal
  prior of the standard deviation between trials, scale 0.5 or 1.
- **Coverage**: share of 95 % intervals that hold the true mean. Its Monte-Carlo error
  is at most {error:.2f} points. {lowest:.0f} to {highest:.0f} % counts as held.

![Coverage of five intervals](images/small_k_coverage.png)

## What it says
{verdicts}

**The default is Hartung-Knapp with REML, and with ten trials or fewer the ad hoc
variant stands beside it.** {reason}

## Coverage (%), worst and best over I-squared
{coverage}

## Median width in units of Hartung-Knapp
{width}

![Median width of five intervals](images/small_k_width.png)

## Few events
{counts}

## Prediction intervals
{prediction}
"""


def page_of(table: pd.DataFrame, seed: int) -> str:
    """Return the page for the results of `trialstats.simulation.small_k.run`."""
    normal = table[table["arm"] == "normal"]
    counts = table[table["arm"] == "counts"]
    return PAGE.format(
        n_sets=int(table["n_sets"].iloc[0]),
        seed=seed,
        variance=VARIANCE,
        per_arm=PER_ARM,
        error=100 * normal["monte_carlo_error"].max(),
        lowest=100 * LOWEST,
        highest=100 * HIGHEST,
        verdicts="\n".join(_verdict(normal, method) for method in _TABLED),
        reason=_reason(normal),
        coverage=_range_table(normal),
        width=_width_table(normal),
        counts=_counts_words(counts),
        prediction=_prediction_words(normal),
    )


def _of(table: pd.DataFrame, method: str) -> pd.DataFrame:
    return table[table["method"] == method]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _verdict(normal: pd.DataFrame, method: str) -> str:
    rows = _of(normal, method)
    held = rows["coverage"].between(LOWEST, HIGHEST)
    low, high = rows["coverage"] < LOWEST, rows["coverage"] > HIGHEST
    words = f"- **{NAMES[method]}** holds in {held.sum()} of {len(rows)} cells"
    if low.any():
        worst = rows.loc[rows["coverage"].idxmin()]
        words += (
            f"; too narrow in {low.sum()}, at worst {_percent(worst['coverage'])} % "
        )
        words += f"({_cell(worst)})"
    if high.any():
        words += f"; too wide in {high.sum()}"
    return f"{words}."


def _cell(row: pd.Series) -> str:
    size = "equal sizes" if row["sizes"] == "equal" else "one large trial"
    return f"{row['k']} trials, {size}, I-squared {100 * row['i_squared']:.0f} %"


def _reason(normal: pd.DataFrame) -> str:
    plain = _of(normal, "knapp_hartung")
    adhoc = _of(normal, "knapp_hartung_adhoc")
    equal = plain[plain["sizes"] == "equal"]["coverage"]
    unequal = plain[plain["sizes"] != "equal"]
    short = unequal[unequal["coverage"] < LOWEST]
    wide = adhoc[(adhoc["k"] == 2) & (adhoc["i_squared"] == 0)]["coverage"]
    wald = _of(normal, "wald")["coverage"].min()
    return (
        f"With trials of one size its coverage is {_percent(equal.min())} to "
        f"{_percent(equal.max())} % whatever the heterogeneity and however few the "
        f"trials, where Wald falls to {_percent(wald)} %. With one trial ten times as "
        f"large it can be too narrow, at {short['k'].min()} to {short['k'].max()} "
        f"trials and at worst {_percent(unequal['coverage'].min())} %. The ad hoc "
        f"variant never falls below {_percent(adhoc['coverage'].min())} %, at the "
        "price of intervals that are too wide when trials are few or alike "
        f"({_percent(wide.min())} % with two). So the plain interval stays the "
        "default, which is neither too wide nor too narrow where trials are of similar "
        "size, and the other is shown wherever the choice can matter."
    )


def _heads(names: list[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]


def _range_table(normal: pd.DataFrame) -> str:
    sizes = list(dict.fromkeys(normal["sizes"]))
    lines = [
        "| method | sizes | " + " | ".join(f"k = {k}" for k in _trials(normal)) + " |"
    ]
    lines.append("| --- " * (2 + len(_trials(normal))) + "|")
    for method in _TABLED:
        for size in sizes:
            rows = _of(normal, method)
            rows = rows[rows["sizes"] == size].groupby("k")["coverage"]
            cells = [
                _marked(low, high)
                for low, high in zip(rows.min(), rows.max(), strict=True)
            ]
            lines.append(f"| {NAMES[method]} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _trials(normal: pd.DataFrame) -> list[int]:
    return sorted(int(k) for k in normal["k"].unique())


def _marked(low: float, high: float) -> str:
    text = f"{_percent(low)} to {_percent(high)}"
    return f"**{text}**" if low < LOWEST else text


def _width_table(normal: pd.DataFrame) -> str:
    keys = ["sizes", "i_squared", "k"]
    plain = _of(normal, "knapp_hartung").set_index(keys)["median_width"]
    lines = _heads(["method", *(f"k = {k}" for k in _trials(normal))])
    for method in _TABLED:
        ratio = _of(normal, method).set_index(keys)["median_width"] / plain
        found = ratio.groupby("k")
        cells = [
            f"{low:.2f} to {high:.2f}"
            for low, high in zip(found.min(), found.max(), strict=True)
        ]
        lines.append(f"| {NAMES[method]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _counts_words(counts: pd.DataFrame) -> str:
    lines = []
    for method in ("wald", "knapp_hartung", "knapp_hartung_adhoc"):
        rows = _of(counts, method)
        worst, best = (
            rows.loc[rows["coverage"].idxmin()],
            rows.loc[rows["coverage"].idxmax()],
        )
        lines.append(
            f"- **{NAMES[method]}**: coverage {_percent(worst['coverage'])} % "
            f"({worst['k']} trials, risk {100 * worst['risk']:g} %) to "
            f"{_percent(best['coverage'])} %."
        )
    bias = _of(counts, "knapp_hartung")
    rare = bias[bias["risk"] == bias["risk"].min()]
    lines.append(
        "- With a risk of 1 % most tables have a zero cell, and the 0.5 that is added "
        f"pulls estimates towards no effect by {rare['bias'].min():.2f} to "
        f"{rare['bias'].max():.2f} on the log scale: intervals that cover do so "
        "because they are wide. Mantel-Haenszel and one-stage models add nothing "
        "(docs/methods/sparse_data.md)."
    )
    return "\n".join(lines)


def _prediction_words(normal: pd.DataFrame) -> str:
    rows = _of(normal, "knapp_hartung")
    wide = rows[rows["i_squared"] > 0].groupby("i_squared")["prediction_coverage"]
    listed = "; ".join(
        f"I-squared {100 * share:.0f} %: {_percent(low)} to {_percent(high)} %"
        for share, low, high in zip(
            wide.min().index, wide.min(), wide.max(), strict=True
        )
    )
    return (
        "Mean probability that the true effect in a new trial lies in the 95 % "
        "prediction interval of REML with Hartung-Knapp and k - 1 degrees of freedom: "
        f"{listed}."
    )
