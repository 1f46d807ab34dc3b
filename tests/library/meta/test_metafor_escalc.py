"""Effect sizes beside every `escalc` case of metafor 5.1-12, and formulas they lack.

Closed forms in both programs, and Gauss's hypergeometric function: 1e-10. The
tetrachoric correlation is metafor's by a simplex search with a relative stop of 1e-8
in the likelihood, which leaves 1e-4 in the estimate and its numerical curvature 2e-3;
ours solves the table exactly and is checked by integration in
test_meta_effect_sizes.py.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
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


def family(shared: Path) -> Family:
    def compute(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
        (csv,) = reference["data"]["csv"]
        columns = dict(re.findall(r"\b(\w+i) = (\w+i)\b", case["call"]))
        assert columns, case["call"]
        sizes = effect_sizes(
            case["measure"],
            **columns,
            data=read_data(shared, csv),
            **_options(case["call"]),
        )
        return {"yi": sizes["effect"], "vi": sizes["variance"], "ni": sizes["n"]}

    return Family("escalc", compute, TOLERANCE)


@pytest.mark.parametrize("name", files_of("metafor.escalc"))
def test_every_case_agrees(name, shared):
    check_file(family(shared), shared, name)


def committed(root: Path, function: str) -> list[dict[str, Any]]:
    """Return the cases of a function from the committed numbers of metafor."""
    path = root / "tests/reference/metafor/recovery.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["fun"] == [function]]


def test_every_formula_and_every_stand_in_agrees(root):
    # Formulas that the shared cases lack, and d, t, p, r, F in the place of moments.
    cases = committed(root, "effect_sizes")
    assert len(cases) == 121
    for case in cases:
        options = {name: value[0] for name, value in case["options"].items()}
        measure = options.pop("measure")
        found = effect_sizes(measure, **case["data"], **options)
        for name, theirs in case["results"].items():
            # Fifteen digits are written; the variance under UB is a difference.
            np.testing.assert_allclose(
                found[name],
                np.array(theirs, dtype=float),
                rtol=1e-10,
                atol=1e-14,
                err_msg=f"{measure} {options} {list(case['data'])}",
            )
