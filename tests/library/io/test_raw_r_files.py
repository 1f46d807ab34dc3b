"""Data frames of R: what R says of a column is kept.

The files are written by rdata's own writer; the expected texts follow from the values.
"""

import numpy as np
import pytest

from tests.library.raw_forms import RFrame, RVector, write_r
from trialstats.errors import DataError
from trialstats.io import RawOptions, raw_parts, read_raw
from trialstats.raw import DATE, LOGICAL, NUMBER, TEXT

#: 2024-03-05 10:30 UTC in seconds, and the day.
MOMENT, DAY = 1_709_634_600.0, 19_787.0
POSIX = np.array(["POSIXct", "POSIXt"], dtype="U")


def vector(values, **attributes):
    renamed = {name.rstrip("_").replace("__", "."): v for name, v in attributes.items()}
    return RVector(values, renamed)


def read(tmp_path, name="x", **columns):
    rows = len(next(iter(columns.values())).values)
    path = tmp_path / "a.rds"
    write_r({name: RFrame(columns, rows)}, path)
    return read_raw(path)


def whole(values):
    mask = [v is None for v in values]
    filled = np.array([-(2**31) if v is None else v for v in values], np.int32)
    return np.ma.array(filled, mask=mask, fill_value=-(2**31))


def test_factors_are_their_labels_and_integers_may_be_missing(tmp_path):
    levels = np.array(["Placebo", "Ålesund"], dtype="U")
    table = read(
        tmp_path,
        arm=vector(whole([2, 1, None]), levels=levels, class_="factor"),
        n=vector(whole([1, None, -5])),
        ok=vector(np.array([True, False, True])),
    )
    assert table.cells.to_pydict() == {
        "arm": ["Ålesund", "Placebo", None],
        "n": ["1", None, "-5"],
        "ok": ["TRUE", "FALSE", "TRUE"],
    }
    assert not table.kinds_of("arm").any()
    assert set(table.kinds_of("n")) == {NUMBER}
    assert set(table.kinds_of("ok")) == {LOGICAL}


@pytest.mark.parametrize(
    ("values", "attributes", "text", "kind"),
    [
        ([DAY], {"class_": "Date"}, "2024-03-05", DATE),
        ([MOMENT], {"class_": POSIX, "tzone": "UTC"}, "2024-03-05T10:30:00", DATE),
        # Oslo is an hour ahead of UTC in winter, two in summer.
        (
            [MOMENT, MOMENT + 150 * 86_400],
            {"class_": POSIX, "tzone": "Europe/Oslo"},
            "2024-03-05T11:30:00",
            DATE,
        ),
        # No zone, or one that nobody knows: marked as UTC, and no date.
        ([MOMENT], {"class_": POSIX}, "2024-03-05T10:30:00Z", TEXT),
        (
            [MOMENT],
            {"class_": POSIX, "tzone": "Moon/Sea"},
            "2024-03-05T10:30:00Z",
            TEXT,
        ),
        ([90.0], {"class_": "difftime", "units": "mins"}, "01:30:00", TEXT),
        ([0.1], {}, "0.1", NUMBER),
        ([np.inf], {}, "inf", NUMBER),
    ],
)
def test_classes_of_numbers(tmp_path, values, attributes, text, kind):
    column = vector(np.array([*values, np.nan]), **attributes)
    table = read(tmp_path, x=column)
    found = table.cells["x"].to_pylist()
    assert (found[0], found[-1]) == (text, None)
    assert table.kinds_of("x")[0] == kind
    if len(values) > 1:
        assert found[1] == "2024-08-02T12:30:00"


def test_labels_formats_and_reasons_that_haven_keeps(tmp_path):
    # haven writes the letter of a missing value into the fifth byte of R's NA.
    tagged = np.array([0x7FF0_0061_0000_07A2, 0x7FF0_0000_0000_07A2], np.uint64)
    values = np.concatenate([[1.0], tagged.view(np.float64)])
    names = np.array(["yes", "no"], dtype="U")
    labels = RVector(np.array([1.0, 2.0]), {"names": names})
    about = {"label": "Pain", "format__stata": "%9.0g", "labels": labels}
    table = read(tmp_path, x=vector(values, **about))
    assert table.cells["x"].to_pylist() == ["1", ".a", None]
    (column,) = table.columns
    assert (column.label, column.format) == ("Pain", "%9.0g")
    assert column.value_labels == {"1": "yes", "2": "no"}


@pytest.mark.parametrize("compression", [None, "gzip", "bzip2", "xz"])
def test_every_compression_of_r(tmp_path, compression):
    path = tmp_path / "a.RData"
    frames = {
        name: RFrame({"v": vector(np.array([name], dtype="U"))}, 1) for name in "xy"
    }
    write_r(frames, path, compression)
    assert raw_parts(path) == ["x", "y"]
    with pytest.raises(DataError, match="holds 2 objects; name one as `member`: x, y"):
        read_raw(path)
    assert read_raw(path, RawOptions(member="y")).cells.to_pydict() == {"v": ["y"]}
    with pytest.raises(DataError, match="no object 'z'; name one of x, y"):
        read_raw(path, RawOptions(member="z"))


@pytest.mark.parametrize(
    "value", [np.array([1.0, 2.0]), {"a": np.array([1.0])}, "text", None]
)
def test_what_is_no_data_frame(tmp_path, value):
    path = tmp_path / "a.rds"
    write_r({"x": value}, path)
    with pytest.raises(DataError, match="not a data frame; save it again"):
        read_raw(path)


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (vector([1.0, 2.0]), "column 'x', value 'VEC': the column is no vector"),
        (vector(np.array([1j, 2j])), "column 'x', value 'CPLX'"),
        (vector(np.eye(2)), "column 'x', value 'REAL'"),
    ],
)
def test_columns_that_are_no_vectors(tmp_path, column, what):
    with pytest.raises(DataError, match=what):
        read(tmp_path, x=column)


def test_columns_of_different_lengths(tmp_path):
    short, long = vector(np.array([1.0])), vector(np.array([1.0, 2.0]))
    with pytest.raises(DataError, match="columns of different lengths"):
        read(tmp_path, a=short, b=long)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_was_cut_off(tmp_path, share, compression):
    path = tmp_path / "a.rds"
    frame = RFrame({"v": vector(np.arange(300.0))}, 300)
    write_r({"x": frame}, path, compression)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="not a complete"):
        read_raw(path)


def test_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "a.rds"
    frame = RFrame({"v": vector(np.array(["Ålesund"], dtype="U"))}, 1)
    write_r({"x": frame}, path, None)
    path.write_bytes(path.read_bytes().replace("Å".encode(), b"\xff\xff"))
    with pytest.raises(DataError, match=r"the text is not UTF-8 .* enc2utf8"):
        read_raw(path)
