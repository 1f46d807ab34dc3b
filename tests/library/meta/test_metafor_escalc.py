"""Effect sizes beside every `escalc` case of metafor 5.1-12.

Closed forms in both programs, and Gauss's hypergeometric function: 1e-10. The
tetrachoric correlation is metafor's by a simplex search with a relative stop of 1e-8
in the likelihood, which leaves 1e-4 in the estimate and its numerical curvature 2e-3;
ours solves the table exactly and is checked by integration in
test_meta_effect_sizes.py.
"""

import re
from typing import Any

import pandas as pd
import pytest
from reference_cases import Family, Tolerance, check_file, files_of, read_data

from trialstats.meta.effect_sizes import effect_sizes

pytestmark = pytest.mark.reference

TOLERANCE = Tolerance(1e-10, special={"TET": 2.5e-3})


def _options(call: str) -> dict[str, Any]:
    """Return the options of a call of escalc that are not columns."""
    found: dict[str, Any] = {}
    for name, text in re.findall(r'(to|vtype) = "(\w+)"', call):
        found[name] = text
    if match := re.search(r"add = ([\d.]+)", call):
        found["add"] = float(match.group(1))
    if "drop00 = TRUE" in call:
        found["drop00"] = True
    if "correct = FALSE" in call:
        found["correct"] = False
    return found


def compute(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    (csv,) = reference["data"]["csv"]
    data = csv if isinstance(csv, pd.DataFrame) else read_data(_SHARED[0], csv)
    columns = dict(re.findall(r"\b(\w+i) = (\w+i)\b", case["call"]))
    assert columns, case["call"]
    sizes = effect_sizes(
        case["measure"], **columns, data=data, **_options(case["call"])
    )
    return {"yi": sizes["effect"], "vi": sizes["variance"], "ni": sizes["n"]}


_SHARED: list[Any] = []
FAMILY = Family("escalc", compute, TOLERANCE)


@pytest.mark.parametrize("name", files_of("metafor.escalc"))
def test_every_case_agrees(name, shared):
    _SHARED[:] = [shared]
    check_file(FAMILY, shared, name)
