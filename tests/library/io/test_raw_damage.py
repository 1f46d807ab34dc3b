"""Files damaged at random end in a table or in one message that names the file.

The damage is the same in every run. Longer runs, 60 to 280 damaged files of each form
and of SAS datasets, ended as these do.
"""

import random
import time

import pytest

from tests.library.raw_forms import sample, write_forms
from trialstats.errors import DataError
from trialstats.io import read_raw

FORMS = (
    *("csv", "csv.gz", "zip", "xlsx", "xpt", "xpt8", "sav", "zsav", "dta", "rds"),
    *("rda", "parquet", "json", "ndjson"),
)
NUMBER = 24


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    return write_forms(sample(), tmp_path_factory.mktemp("whole"))


def damaged(content, chance):
    """Return the content cut off, or with some bytes changed."""
    spoilt = bytearray(content)
    if chance.random() < 0.25:
        return bytes(spoilt[: chance.randrange(1, len(spoilt))])
    # Most of what a reader believes stands at the beginning.
    reach = len(spoilt) if chance.random() < 0.5 else min(len(spoilt), 4000)
    for _ in range(chance.randint(1, 8)):
        byte = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        spoilt[chance.randrange(reach)] = byte
    return bytes(spoilt)


def outcome(path, options):
    """Return the message that reading ends in; nothing else may be raised."""
    try:
        assert read_raw(path, options).num_rows
    except DataError as reason:
        return str(reason)
    return None


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_is_a_table_or_a_message(forms, tmp_path, form):
    whole, options = forms[form]
    content = whole.read_bytes()
    chance = random.Random(f"damage {form}")
    refused = 0
    for number in range(NUMBER):
        path = tmp_path / f"{number}{''.join(whole.suffixes)}"
        path.write_bytes(damaged(content, chance))
        start = time.monotonic()
        told = outcome(path, options)
        if told is not None:
            refused += 1
            assert told.startswith(str(path))
            assert "\n" not in told
        assert time.monotonic() - start < 20
    # The damage is real: no form takes most of it for data.
    assert refused >= NUMBER // 4
