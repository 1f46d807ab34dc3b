"""What the simulation of type-I error says: every sentence is made from the table."""

import numpy as np
import pandas as pd

from trialstats.simulation.repeated import EFFECT
from trialstats.simulation.type_one import ESTIMANDS, RULES, WITH_EFFECT

#: Type-I error that counts as kept: three Monte-Carlo errors of 2,000 trials.
LOWEST, HIGHEST = 0.035, 0.065
#: Share of trials without an answer from which a design is called too small.
_TOO_MANY = 0.05

NAMES = {
    "kenward_roger": "Kenward-Roger",
    "kenward_roger_linear": "Kenward-Roger, linear",
    "satterthwaite": "Satterthwaite",
    "between_within": "between-within",
    "residual": "residual",
    "CR0": "CR0 with Satterthwaite",
    "CR2": "CR2 with Satterthwaite",
    "CR3": "CR3 with Satterthwaite",
}

HEADINGS = (
    *("KR", "KR linear", "Satterthwaite", "between-within", "residual"),
    *("CR0", "CR2", "CR3"),
)

PAGE = """# Type-I error and coverage of the mixed model for repeated measures

`make validate-type-one` draws {n_trials:,} trials of every cell with seed {seed}
and writes this page; the grid and the seed were fixed before the first run
(`trialstats/simulation/type_one.py`, `repeated.py`). All rules are computed from the
same fits. Full results: [validation_mmrm.csv](validation_mmrm.csv).

- **Trials**: two arms of 10, 20, 50 or 100 subjects; 3, 5 or 8 visits; a baseline.
  Baseline and visits are jointly normal with correlations without pattern (one draw
  of a Wishart matrix for each number of visits) or with heterogeneous AR(1) (0.7,
  standard deviations from 1 to 2). 0, 20 or 40 % have left for good by the last
  visit; the odds of leaving rise by a factor of 2.7 per standard deviation of the last
  value seen, so data are missing at random, not completely at random.
- **Analysis**: `CHG ~ BASE * AVISIT + ARMCD * AVISIT`, REML. The default is the
  unstructured covariance with Kenward-Roger. `compound_symmetry` and `ar1` are fitted
  to the first truth, of which they are wrong models, at 0 and 40 % dropout.
- **Estimands**: the difference between arms at the last visit, and its mean over
  visits. A cell is a design with one of the two.
- **Type-I error**: share of trials without an effect whose 95 % interval leaves zero
  out. **Monte-Carlo error** of a rate of 5 %: {error:.1f} points. A rule counts as
  holding its level in a cell at {lowest:.1f} to {highest:.1f} %, three such errors.
- **Not estimable**: fits that end in a named error (singular covariance, no
  convergence). They are counted, and rates are of the others.

![Type-I error by rule](images/type_one_error.png)

## When not to trust which rule
{verdicts}

Mean type-I error (%) over both truths, all numbers of visits and both estimands:

{means}

## Fits without an answer
{failures}

## Coverage with an effect
{coverage}

## Wrong covariance structures
{wrong}

## Type-I error (%), unstructured covariance, last visit
{last}

## Type-I error (%), unstructured covariance, mean of visits
{mean}

## Type-I error (%), wrong structures, last visit
{wrong_last}

## Type-I error (%), wrong structures, mean of visits
{wrong_mean}
"""


def page_of(table: pd.DataFrame, seed: int) -> str:
    """Return the page of the results of `trialstats.simulation.type_one.run`."""
    n_trials = int(table["n_trials"].max())
    null = table[~table["arms_differ"]]
    right = null[null["covariance"] == "unstructured"]
    wrong = null[null["covariance"] != "unstructured"]
    last, mean = ESTIMANDS
    return PAGE.format(
        n_trials=n_trials,
        seed=seed,
        error=100 * np.sqrt(0.05 * 0.95 / n_trials),
        lowest=100 * LOWEST,
        highest=100 * HIGHEST,
        verdicts="\n".join(_verdict(right, rule) for rule in RULES),
        means=_means(right),
        failures=_failures(right),
        coverage=_coverage(table),
        wrong="\n".join(
            _wrong(wrong, covariance) for covariance in wrong["covariance"].unique()
        ),
        last=_rates(right, last),
        mean=_rates(right, mean),
        wrong_last=_rates(wrong, last),
        wrong_mean=_rates(wrong, mean),
    )


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _cell(row: pd.Series) -> str:
    return (
        f"{row['n_per_arm']} per arm, {row['visits']} visits, "
        f"{100 * row['dropout']:.0f} % dropout"
    )


def _verdict(null: pd.DataFrame, rule: str) -> str:
    """Return in words where a rule holds its level."""
    cells = null[(null["rule"] == rule) & null["rejection"].notna()]
    high = cells[cells["rejection"] > HIGHEST]
    low = cells[cells["rejection"] < LOWEST]
    inside = len(cells) - len(high) - len(low)
    said = [f"- **{NAMES[rule]}** holds its level in {inside} of {len(cells)} cells"]
    if len(high):
        worst = high.loc[high["rejection"].idxmax()]
        said.append(
            f"rejects too often in {len(high)}, with {_sizes(high)}, at worst "
            f"{_percent(worst['rejection'])} ({_cell(worst)}, {worst['estimand']})"
        )
    if len(low):
        worst = low.loc[low["rejection"].idxmin()]
        said.append(
            f"too seldom in {len(low)}, with {_sizes(low)}, at worst "
            f"{_percent(worst['rejection'])} ({_cell(worst)}, {worst['estimand']})"
        )
    if inside == len(cells):
        said.append(
            f"from {_percent(cells['rejection'].min())} to "
            f"{_percent(cells['rejection'].max())}"
        )
    return "; ".join(said) + "."


def _sizes(cells: pd.DataFrame) -> str:
    """Return which sizes and rates of dropout the cells have."""
    sizes = sorted(cells["n_per_arm"].unique())
    dropouts = [f"{100 * rate:.0f}" for rate in sorted(cells["dropout"].unique())]
    return f"{_listed(sizes)} per arm and {_listed(dropouts)} % dropout"


def _listed(values: list[object]) -> str:
    texts = [str(value) for value in values]
    if len(texts) == 1:
        return texts[0]
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def _means(cells: pd.DataFrame) -> str:
    """Return a table of mean type-I errors by size, dropout and rule."""
    wide = cells.pivot_table(
        index=["n_per_arm", "dropout"], columns="rule", values="rejection"
    )
    header = ["n per arm", "dropout %", *HEADINGS]
    lines = [" | ".join(header), " | ".join(["---"] * len(header))]
    for (n_per_arm, dropout), row in wide.iterrows():
        rates = [_marked(row[rule]) for rule in RULES]
        lines.append(" | ".join([str(n_per_arm), f"{100 * dropout:.0f}", *rates]))
    return "\n".join(f"| {line} |" for line in lines)


def _failures(right: pd.DataFrame) -> str:
    """Return in words how many unstructured fits had no answer."""
    cells = right[
        (right["rule"] == "kenward_roger") & (right["estimand"] == ESTIMANDS[0])
    ]
    share = cells["not_estimable"] / cells["n_trials"]
    some = cells[share > 0].sort_values("not_estimable", ascending=False)
    if not len(some):
        return "Every unstructured fit had an answer."
    many = some[some["not_estimable"] > _TOO_MANY * some["n_trials"]]
    listed = "".join(
        f"\n- {_cell(row)}, {row['truth']}: "
        f"{_percent(row['not_estimable'] / row['n_trials'])}"
        for _, row in many.iterrows()
    )
    return (
        f"All unstructured fits had an answer in {len(cells) - len(some)} of "
        f"{len(cells)} cells. More than {_percent(_TOO_MANY)} had none in {len(many)}, "
        "for which a simpler structure has to be planned (a ladder, "
        f"docs/methods/mmrm.md):\n{listed}\n\n"
        "The rates of these cells are those of the trials that had an answer."
    )


def _coverage(table: pd.DataFrame) -> str:
    """Return in words the coverage of the default where arms differ."""
    cells = table[
        table["arms_differ"]
        & (table["rule"] == "kenward_roger")
        & table["coverage"].notna()
    ]
    low, high = (
        cells.loc[cells["coverage"].idxmin()],
        cells.loc[cells["coverage"].idxmax()],
    )
    worst = cells.loc[_standard_bias(cells).idxmax()]
    keys = ["truth", "covariance", "visits", "n_per_arm", "dropout", "rule", "estimand"]
    twin = table[~table["arms_differ"] & (table[keys] == worst[keys]).all(axis=1)]
    return (
        "Without dropout an effect moves estimates and nothing else: coverage is one "
        "minus the type-I error. With "
        f"{_listed([f'{100 * rate:.0f}' for rate in WITH_EFFECT])} % dropout and an "
        f"effect that rises to {EFFECT} standard deviations, so that the arms also "
        "leave at different rates, the 95 % intervals of the default cover in "
        f"{_percent(low['coverage'])} ({_cell(low)}, {low['estimand']}) to "
        f"{_percent(high['coverage'])} ({_cell(high)}, {high['estimand']}) of trials; "
        f"{_percent(cells['coverage'].mean())} on average over {len(cells)} cells. The "
        f"largest bias is {_standard_bias(cells).max():.1f} of its Monte-Carlo errors "
        f"({_cell(worst)}, {worst['estimand']}). The same trials without an effect, "
        "whose arms are exchangeable, so that the bias is zero, have "
        f"{_standard_bias(twin).max():.1f} by chance."
    )


def _standard_bias(cells: pd.DataFrame) -> pd.Series:
    """Return the size of the bias in Monte-Carlo errors."""
    n_fits = cells["n_trials"] - cells["not_estimable"]
    return np.abs(cells["bias"]) / (cells["standard_deviation"] / np.sqrt(n_fits))


def _wrong(wrong: pd.DataFrame, covariance: str) -> str:
    """Return in words what a wrong structure does."""
    cells = wrong[wrong["covariance"] == covariance]
    said = []
    for rule in ("kenward_roger", "residual", "CR0", "CR2", "CR3"):
        rates = cells.loc[cells["rule"] == rule, "rejection"].dropna()
        outside = int(((rates < LOWEST) | (rates > HIGHEST)).sum())
        said.append(
            f"{NAMES[rule]} {_percent(rates.min())} to {_percent(rates.max())} "
            f"({outside} of {len(rates)} cells outside)"
        )
    return f"- **{covariance}**: {'; '.join(said)}."


def _rates(cells: pd.DataFrame, estimand: str) -> str:
    """Return a table of type-I errors by cell and rule."""
    cells = cells[cells["estimand"] == estimand]
    keys = ["truth", "covariance", "visits", "dropout", "n_per_arm"]
    wide = cells.pivot_table(
        index=keys, columns="rule", values="rejection", dropna=False, observed=True
    ).dropna(how="all")
    failed = cells[cells["rule"] == "kenward_roger"].set_index(keys)["not_estimable"]
    header = [
        *("truth", "fitted", "visits", "dropout %", "n per arm"),
        *(*HEADINGS, "not estimable"),
    ]
    lines = [" | ".join(header), " | ".join(["---"] * len(header))]
    for key, row in wide.iterrows():
        truth, covariance, visits, dropout, n_per_arm = key
        rates = [_marked(row[rule]) for rule in RULES]
        start = [truth, covariance, visits, f"{100 * dropout:.0f}", n_per_arm]
        lines.append(" | ".join(map(str, [*start, *rates, failed.loc[key]])))
    note = f"Bold: outside {100 * LOWEST:.1f} to {100 * HIGHEST:.1f} %.\n\n"
    return note + "\n".join(f"| {line} |" for line in lines)


def _marked(rate: float) -> str:
    if np.isnan(rate):
        return "NE"
    text = f"{100 * rate:.1f}"
    return text if LOWEST <= rate <= HIGHEST else f"**{text}**"
