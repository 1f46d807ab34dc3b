"""Messages of the schema: each says the value, what is wrong, and the remedy."""

import pytest

from trialstats.config.checking import check
from trialstats.errors import ConfigError

LEVEL = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
DEGREES = {"type": "integer", "minimum": 1, "maximum": 6, "description": "Decimals."}
LADDER = {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True}
NAMES = {"propertyNames": {"not": {"enum": ["baseline"]}}, "minProperties": 1}


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (95, LEVEL, "value 95 must be below 1; write 0.95"),
        (97.5, LEVEL, "value 97.5 must be below 1; write 0.975"),
        (0, LEVEL, "value 0 must be above 0"),
        (0, DEGREES, "value 0 must be at least 1 (Decimals)"),
        (7, DEGREES, "value 7 must be at most 6 (Decimals)"),
        ([], LADDER, "value [] has too few entries; write at least 1"),
        ([1, 2, 3], LADDER, "value [1, 2, 3] has too many entries; write at most 2"),
        (["ar1", "ar1"], LADDER, "value 'ar1' is listed twice; leave one out"),
        ({}, NAMES, "value {} has too few entries; write at least 1"),
        ({"baseline": 1}, NAMES, "the name 'baseline' is taken; choose another"),
        ("", {"minLength": 1}, "value '' is empty; write some text"),
        ("time", {"const": "date"}, "value 'time' must be 'date'"),
    ],
)
def test_a_value_outside_its_schema(value, schema, said):
    with pytest.raises(ConfigError) as caught:
        check({"key": value}, {"properties": {"key": schema}}, file="a.yaml")
    assert str(caught.value) == f"a.yaml, at key: {said}"
