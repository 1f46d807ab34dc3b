"""Check that a derived number follows from the seen numbers beside it.

A standard error that no paper prints was worked out by hand from an interval, a
p-value or the arms' standard deviations. Working it out again catches a slip in either,
and an edit of one that forgets the other.
"""

import math
import re
from collections.abc import Callable

from scipy import special

from trialstats.clean.published_cells import Row

#: Half the two-sided width of a 95 % interval in standard errors.
Z_95 = float(special.ndtri(0.975))

#: Slack for the binary representation of decimals, in units of the last digit.
_ROUNDING = 0.5 + 1e-6

_QUOTED = re.compile(
    r"^\|?(?P<difference>[\d.]+)\|? / (?:z|t(?P<df>\d+))\((?P<p>[\d.]+)"
)


def check_standard_error(row: Row) -> None:
    """Note a standard error that does not follow as its row says it does.

    Parameters
    ----------
    row : Row
        A row of the continuous outcomes; ``derived_se`` is checked at its printed
        precision against what ``derived_how`` names.
    """
    printed = row.number_in("derived_se")
    how = row.cells["derived_how"]
    if printed is None and how is None:
        return
    if printed is None or how is None:
        column = "derived_se" if printed is None else "derived_how"
        remedy = "fill in both derived_se and derived_how, or neither"
        row.problem("half of a derived standard error", column, remedy=remedy)
        return
    if printed <= 0:
        remedy = "write a standard error above 0"
        row.problem("a standard error of 0 or less", "derived_se", remedy=remedy)
        return
    for pattern, derive in DERIVATIONS:
        if re.search(pattern, how):
            value = derive(row, how)
            break
    else:
        forms = "; ".join(example for example in EXAMPLES)
        row.problem("unknown derivation", "derived_how", remedy=f"write as in: {forms}")
        return
    if value is None or _agrees(row.cells["derived_se"] or "", value):
        return
    digits = _decimals(row.cells["derived_se"] or "")
    row.problem(
        f"does not follow from {how!r}",
        "derived_se",
        remedy=f"write {value:.{digits}f}, or mend the numbers it follows from",
    )


def check_percentages(row: Row) -> None:
    """Note counts that were worked out from percentages and do not give them.

    Parameters
    ----------
    row : Row
        A row of the binary outcomes. Rows whose counts were themselves read are left
        alone: there a disagreement is the publication's, and stays in view.
    """
    if row.cells["evidence_status"] != "derived" or row.cells["measure"] != "percent":
        return
    printed = re.findall(r"([\d.]+)%", row.cells["published_effect"] or "")
    for arm, text in zip(("ldn", "placebo"), printed, strict=False):
        events, n = row.number_in(f"events_{arm}"), row.number_in(f"n_{arm}")
        if events is None or not n or _agrees(text, 100 * events / n):
            continue
        row.problem(
            f"{events:.0f}/{n:.0f} is {100 * events / n:.1f}%, printed is {text}%",
            f"events_{arm}",
            remedy="write the count that gives the printed percentage",
        )


def _from_interval(row: Row, how: str) -> float | None:
    lower, upper = row.number_in("ci_low"), row.number_in("ci_high")
    if lower is None or upper is None:
        remedy = "fill in the interval that the standard error follows from"
        row.problem("no interval", "ci_low", remedy=remedy)
        return None
    return (upper - lower) / (2 * Z_95)


def _from_p_value(row: Row, how: str) -> float | None:
    quoted = _QUOTED.search(how)
    if quoted is None:
        remedy = f"write as in: {EXAMPLES[1]}"
        row.problem("the derivation cannot be read", "derived_how", remedy=remedy)
        return None
    difference, p, df = quoted["difference"], quoted["p"], quoted["df"]
    expected = row.number_in("published_diff")
    if expected is None:
        ldn, placebo = row.number_in("mean_ldn"), row.number_in("mean_placebo")
        expected = None if ldn is None or placebo is None else ldn - placebo
    n = row.number_in("n_ldn")
    problems = [
        (expected is None or not _agrees(difference, abs(expected)), "published_diff"),
        (row.cells["p"] is None or float(p) != row.number_in("p"), "p"),
        (df is not None and (n is None or int(df) != n - 1), "n_ldn"),
    ]
    for wrong, column in problems:
        if wrong:
            remedy = f"make it agree with derived_how {how!r}"
            row.problem("not the number that derived_how uses", column, remedy=remedy)
    if any(wrong for wrong, _ in problems):
        return None
    tail = float(p) / 2
    quantile = special.ndtri(tail) if df is None else special.stdtrit(int(df), tail)
    return float(difference) / abs(float(quantile))


def _from_deviations(row: Row, how: str) -> float | None:
    names = ("sd_ldn", "n_ldn", "sd_placebo", "n_placebo")
    values = [row.number_in(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not value:
            remedy = "fill in the number that the standard error follows from"
            row.problem("the cell is empty", name, remedy=remedy)
    if not all(values):
        return None
    sd_ldn, n_ldn, sd_placebo, n_placebo = (float(v or math.nan) for v in values)
    return math.sqrt(sd_ldn**2 / n_ldn + sd_placebo**2 / n_placebo)


#: How a standard error may be derived: what `derived_how` says, and the arithmetic.
DERIVATIONS: tuple[tuple[str, Callable[[Row, str], float | None]], ...] = (
    (r"^published CI / \(2\*1\.96\)", _from_interval),
    (r"^\|?[\d.]+\|? / [zt]", _from_p_value),
    (r"^sqrt\(sd\^2/n \+ sd\^2/n\)", _from_deviations),
)

EXAMPLES = (
    "published CI / (2*1.96)",
    "|0.49| / z(0.236)",
    "3.3 / t59(0.04)",
    "sqrt(sd^2/n + sd^2/n)",
)


def _agrees(printed: str, value: float) -> bool:
    step = 10.0 ** -_decimals(printed)
    return abs(float(printed) - value) <= step * _ROUNDING


def _decimals(printed: str) -> int:
    return len(printed.partition(".")[2])
