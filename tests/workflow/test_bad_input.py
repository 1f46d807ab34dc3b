"""Bad input through the whole pipeline: one message, an exit code, no half output.

Each case damages one file of a finished dossier. The run must end with a message that
names file, row, column, value and remedy, without a traceback; and of the outputs none
may have changed: what a failed step would have made is absent or as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from dossier import Dossier

pytestmark = pytest.mark.workflow

FM = "data/raw/fm_parallel_synthetic/synthetic_demographics.csv"
DIARY = "data/raw/fm_parallel_synthetic/synthetic_diary.csv"
VISITS = "data/raw/crohn_parallel_synthetic/synthetic_visits.xlsx"
BINARY = "data/published/outcomes_binary.csv"
CONTINUOUS = "data/published/outcomes_continuous.csv"
PAIN = "config/syntheses/fibromyalgia_pain.yaml"

Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    """Return a change that replaces a piece of text that stands once."""

    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        return text.replace(old, new)

    return change


FIRST = "FM-001,02,F,51,68.6,kg,175,6,03/02/2022,05/02/2022,B"


@dataclass(frozen=True)
class Case:
    """What is damaged, and what the message must say."""

    file: str
    change: Change
    says: tuple[str, ...]


CASES = {
    "missing column": Case(
        FM,
        swap("disease_years", "disease_yrs"),
        ("column 'disease_years': missing column", "did you mean 'disease_yrs'?"),
    ),
    "unknown arm label": Case(
        FM,
        swap(FIRST, FIRST[:-1] + "C"),
        ("row 2", "column 'arm'", "value 'C'", "unknown label", "write one of A, B"),
    ),
    "duplicated subject key": Case(
        FM,
        swap(FIRST, FIRST + "\n" + FIRST.replace(",51,", ",52,")),
        ("row 3", "column 'subject'", "value 'FM-001'", "duplicated key", "keep one"),
    ),
    "text in a numeric column": Case(
        FM,
        swap(FIRST, FIRST.replace(",51,", ",fifty,")),
        ("row 2", "column 'age'", "value 'fifty'", "not a number", "write a number"),
    ),
    "a date that cannot be read": Case(
        FM,
        swap(FIRST, FIRST.replace("03/02/2022", "31/02/2022")),
        ("row 2", "column 'randomised_on'", "value '31/02/2022'", "not a date"),
    ),
    "an empty file": Case(DIARY, lambda text: "", ("the file is empty", "send")),
    "events greater than n": Case(
        BINARY,
        swap("adverse events,12,4,49,3,50", "adverse events,12,54,49,3,50"),
        ("row 17", "column 'events_ldn'", "value '54'"),
    ),
    "a standard deviation of zero": Case(
        CONTINUOUS,
        swap("final,11.7,7.7,6,17.8,5.9,6", "final,11.7,0,6,17.8,5.9,6"),
        ("row 12", "column 'sd_ldn'", "value '0'"),
    ),
    "an unknown measure": Case(
        PAIN,
        swap("measure: MD", "measure: GEN"),
        ("at measure", "value 'GEN' is not known", "MD, SMD, ROM, RR, OR, RD"),
    ),
    "an unknown method": Case(
        PAIN,
        swap("model: {tau_squared: REML,", "model: {tau_squared: RELM,"),
        ("at model.tau_squared", "value 'RELM'", "did you mean 'REML'?"),
    ),
    "a misspelt key": Case(
        PAIN,
        swap("measure: MD", "measrue: MD"),
        ("unknown key 'measrue'", "did you mean 'measure'?"),
    ),
    "a trial that does not exist": Case(
        PAIN,
        swap("trials: [DUEBRUUN2024_FINAL, INNOVA_FM]", "trials: [FINAL, INOVA_FM]"),
        ("'INOVA_FM'", "did you mean 'INNOVA_FM'?"),
    ),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file()
    }


def assert_stopped(dossier: Dossier, file: str, says: tuple[str, ...]) -> None:
    before = contents(dossier.folder)
    ended = dossier.run()
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    for words in (file, *says):
        assert words in said, said[-3000:]
    assert "Traceback" not in said
    after = contents(dossier.folder)
    assert {name for name in after if after[name] != before.get(name)} == set()


#: Cases of every run: one of each part of the workflow. The messages of the others are
#: tested without Snakemake too, in the library and by `check`.
ALWAYS = (
    "missing column",
    "events greater than n",
    "a misspelt key",
)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=name, marks=[] if name in ALWAYS else [pytest.mark.validation]
        )
        for name, case in CASES.items()
    ],
)
def test_a_damaged_file_stops_the_run(working, case):
    path = working.folder / case.file
    path.write_text(case.change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert_stopped(working, case.file, case.says)


def test_a_truncated_excel_file_stops_the_run(working):
    path = working.folder / VISITS
    path.write_bytes(path.read_bytes()[:2000])
    assert_stopped(
        working, VISITS, ("not a complete Excel file", "send the file again")
    )
