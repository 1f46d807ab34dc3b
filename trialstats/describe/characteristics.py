"""Find age, sex, weight, height and body mass index, by values and then by names."""

import itertools
from collections.abc import Collection, Mapping

import numpy as np

from trialstats.describe.columns import WHOLE, WORDS, Column, Floats
from trialstats.describe.rows import MOST
from trialstats.describe.standards import standard_name
from trialstats.describe.subjects import Table
from trialstats.describe.words import FEMALE, MALE, tokens, unprefixed

#: Words of names, by the characteristic.
_NAMED = {
    "AGE": {"age", "ageyr", "ageyrs"},
    "SEX": {"sex", "gender"},
    "WEIGHTBL": {"weight", "wt", "bodyweight", "weightbl"},
    "HEIGHTBL": {"height", "ht", "heightbl"},
    "BMIBL": {"bmi", "bmibl"},
}


def characteristics(table: Table, taken: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return columns that are age, sex, weight, height or body mass index, and why.

    What all values have in common counts first, then the name.
    """
    found: dict[str, tuple[str, str]] = {}
    free = {
        n: c
        for n, c in table.columns.items()
        if n not in taken and n != table.subject and table.constant(c)
    }
    for name, column in free.items():
        plain = unprefixed(column.levels) or {v: v for v in column.levels}
        words = {word.lower() for word in plain.values()}
        standard = standard_name(name, column.label)
        if words and words <= MALE | FEMALE and column.kind == WORDS:
            found[name] = "SEX", ""
        elif standard in ("AGE", "SEX"):
            found[name] = standard, ""
    for variable, words in _NAMED.items():
        if variable in {v for v, _ in found.values()}:
            continue
        numeric = variable != "SEX"
        for name, column in free.items():
            first = tokens(name)[:1]
            named = name.lower() in words or (first and first[0] in words)
            if named and name not in found and column.numeric >= numeric:
                found[name] = variable, ""
                break
    for name, (variable, why) in _by_content(free, found).items():
        found.setdefault(name, (variable, why))
    return found


def _by_content(
    free: Mapping[str, Column], found: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Return body mass index, weight, height and age as their values show them."""
    have = {variable for variable, _ in found.values()}
    numeric = {
        n: c
        for n, c in free.items()
        if c.numeric and len(c.levels) > 6 and n not in found
    }
    numeric = dict(itertools.islice(numeric.items(), MOST))
    by_values: dict[str, tuple[str, str]] = {}
    if not have & {"WEIGHTBL", "HEIGHTBL"}:
        by_values |= _body(numeric)
    elif "BMIBL" not in have:
        named = {variable: free[n] for n, (variable, _) in found.items()}
        by_values |= _index(named, numeric)
    rest = {n: c for n, c in numeric.items() if n not in by_values}
    if "AGE" not in have:
        years = [n for n, c in rest.items() if c.kind == WHOLE and _like_ages(c)]
        by_values |= _age(rest, years)
    return by_values


def _age(rest: Mapping[str, Column], years: list[str]) -> dict[str, tuple[str, str]]:
    lowest = {n: float(np.nanmin(values_in(rest[n]))) for n in years}
    adult = [n for n in years if lowest[n] >= 16]
    chosen = adult if len(adult) == 1 else years
    if len(chosen) != 1:
        return {}
    return {chosen[0]: ("AGE", f"{rest[chosen[0]].evidence}, as ages are")}


def _like_ages(column: Column) -> bool:
    numbers = values_in(column)
    low, middle, high = np.nanmin(numbers), np.nanmedian(numbers), np.nanmax(numbers)
    return bool(
        len(column.levels) >= 15 and low > 0 and middle >= 8 and 30 < high <= 105
    )


def _body(numeric: Mapping[str, Column]) -> dict[str, tuple[str, str]]:
    """Return weight and height, by the body mass index that they give."""
    pairs = []
    for weight, height in itertools.permutations(numeric, 2):
        kg, cm = values_in(numeric[weight]), values_in(numeric[height])
        if np.nanmin(kg) < 2 or np.nanmin(cm) < 40 or np.nanmax(cm) > 230:
            continue
        index = kg / (cm / 100) ** 2
        for other, column in numeric.items():
            given = values_in(column)
            both = ~np.isnan(index) & ~np.isnan(given)
            near = np.abs(index[both] - given[both]) <= 0.1
            if other not in (weight, height) and both.sum() >= 5 and near.mean() > 0.9:
                why = f"{weight} over the square of {height} is {other}"
                return {
                    weight: ("WEIGHTBL", why),
                    height: ("HEIGHTBL", why),
                    other: ("BMIBL", why),
                }
        both = ~np.isnan(index)
        plausible = np.nanmedian(cm) >= 100 and float(np.nanmax(kg)) <= 250
        if both.sum() >= 5 and plausible and np.quantile(index[both], 0.02) >= 11:
            spread = np.quantile(index[both], 0.98)
            related = float(np.corrcoef(kg[both], cm[both])[0, 1]) >= 0.3
            if spread <= 45 and related and np.nanmax(cm) >= 150:
                pairs.append((weight, height))
    if len(pairs) != 1:
        return {}
    weight, height = pairs[0]
    why = f"{weight} over the square of {height} is a body mass index throughout"
    return {weight: ("WEIGHTBL", why), height: ("HEIGHTBL", why)}


def _index(
    named: Mapping[str, Column], numeric: Mapping[str, Column]
) -> dict[str, tuple[str, str]]:
    """Return the body mass index that named columns of weight and height give."""
    weight, height = named.get("WEIGHTBL"), named.get("HEIGHTBL")
    if weight is None or height is None:
        return {}
    index = values_in(weight) / (values_in(height) / 100) ** 2
    for name, column in numeric.items():
        given = values_in(column)
        both = ~np.isnan(index) & ~np.isnan(given)
        if both.sum() >= 5 and (np.abs(index[both] - given[both]) <= 0.1).mean() > 0.9:
            why = f"{weight.name} over the square of {height.name}"
            return {name: ("BMIBL", why)}
    return {}


def values_in(column: Column) -> Floats:
    """Return the numbers of a column, none where it holds none."""
    return np.zeros(0) if column.numbers is None else column.numbers
