"""Every case of R meta 8.4 beside ours.

Closed forms and tight fits: 1e-8. trimfill() and the test of Thompson and Sharp refit
with the default threshold of metafor, one-stage models with the default optimiser of
lme4: 1e-4.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.library.meta.meta_package_cases import computed
from tests.library.meta.reference_cases import (
    Family,
    Tolerance,
    check_file,
    files_of,
    read_data,
)

pytestmark = pytest.mark.reference

TOLERANCE = Tolerance(
    1e-8,
    special={
        "trimfill": 1e-4,
        "bias.OR.Thompson": 1e-4,
        # tau2 of glmer is 2.7e-4 off at the default tolerance of its optimiser.
        "IRR.GLMM": 4e-4,
        "GLMM": 2e-4,
        # tau2 is 1.3e-7, and metafor's threshold for it 1e-13.
        "IRD": 1e-6,
        # They follow from limits of tau2 that are good to 1.2e-4; tau2 of RD is 1.4e-3.
        "RD.I2.tau2 lower": 2e-2,
        "RD.I2.tau2 upper": 2e-3,
        "I2.tau2 lower": 1e-3,
        "I2.tau2 upper": 1e-5,
        # Of a tau2 that is a root good to 1.2e-4.
        "RD.MH.PM se.tau2": 2e-2,
        "RD.Inverse.PM se.tau2": 2e-2,
        "PM se.tau2": 1e-3,
    },
    floors={
        "GLMM": 5e-5,
        # metafor's search for a root, a limit or Paule and Mandel's tau2, stops within
        # the fourth root of the machine's precision, 1.2e-4.
        "lower.tau2": 1.3e-4,
        "upper.tau2": 1.3e-4,
        "PM tau2": 1.3e-4,
    },
)


@pytest.mark.parametrize("name", files_of("meta."))
def test_every_case_agrees(name: str, shared: Path) -> None:
    def compute(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
        (csv,) = reference["data"]["csv"]
        return computed(case, read_data(shared, csv))

    check_file(Family("meta", compute, TOLERANCE), shared, name)
