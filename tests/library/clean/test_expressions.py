"""The language of conditions: what it gives and what it refuses."""

import pandas as pd
import pytest

from trialstats.clean.expressions import evaluate
from trialstats.errors import ConfigError

FRAME = pd.DataFrame(
    {
        "ARM": pd.Series(["a", "b", None], dtype="str"),
        "AVAL": [1.0, 2.0, None],
        "WHEN": pd.to_datetime(["2025-01-01", None, "2025-01-03"]),
    }
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ARM == 'a'", [True, False, False]),
        ("ARM != 'a'", [False, True, False]),
        ("AVAL <= 1", [True, False, False]),
        ("0 < AVAL < 2", [True, False, False]),
        ("AVAL > -1 and ARM == 'b'", [False, True, False]),
        ("ARM == 'a' or AVAL == 2", [True, True, False]),
        ("not present(AVAL)", [False, False, True]),
        ("present(WHEN)", [True, False, True]),
    ],
)
def test_conditions(expression, expected):
    assert evaluate(expression, FRAME).tolist() == expected


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "AVAL.sum() > 1",
        "[x for x in AVAL]",
        "AVAL + 1 > 2",
        "present('AVAL')",
        "lambda: 1",
        "AVAL",
        "ARM in ('a', 'b')",
        "AVAL ==",
        "NOPE == 1",
        "ARM < 1",
    ],
)
def test_refusals_name_the_condition(expression):
    with pytest.raises(ConfigError) as caught:
        evaluate(expression, FRAME)
    assert expression in str(caught.value)
