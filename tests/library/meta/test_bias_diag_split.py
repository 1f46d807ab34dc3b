"""Every case of the bias diagnostics is compared by exactly one test module."""

from pathlib import Path

import pytest

from tests.library.meta.bias_diag_split import INFLUENCE, SMALL_STUDY, belongs
from tests.library.meta.reference_cases import files_of, read_reference

pytestmark = pytest.mark.reference


@pytest.mark.parametrize("name", files_of("metafor.bias_diag"))
def test_every_case_belongs_to_one_module(shared: Path, name: str) -> None:
    """Two filters, no case twice, none left out."""
    for case in read_reference(shared, name)["cases"]:
        owners = [belongs(case["id"], those) for those in (SMALL_STUDY, INFLUENCE)]
        assert owners.count(True) == 1, case["id"]


def test_no_prefix_is_named_twice() -> None:
    """A prefix stands in one list."""
    assert not set(SMALL_STUDY) & set(INFLUENCE)
