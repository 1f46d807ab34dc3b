"""Bad files and bad cells: file, row, column, value, and what to write instead.

Each case spoils one file of a small dossier, or one setting of it. What is expected is
every problem that the check finds: one cause makes one message.
"""

import pytest

from tests.library.clean.spoilt_dossiers import (
    EVENTS,
    PEOPLE,
    RAW,
    SCORES,
    SITES,
    TIMES,
    WIDE,
    archive,
    found,
    packed,
    workbook,
)


def swap(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


def cells(text):
    return [line.split(",") for line in text.splitlines()]


#: What is spoilt, the files, and the problem.
FILES = {
    "an empty file": ({"scores.csv": ""}, "scores.csv: the file is empty"),
    "a header alone": (
        {"scores.csv": "id,day,score\n"},
        "scores.csv: the file has a header and no rows",
    ),
    "another delimiter": (
        {"scores.csv": SCORES.replace(",", ";")},
        "scores.csv, row 1, value 'id;day;score;visit': the columns are separated by "
        'semicolons; write `delimiter: ";"` for this file',
    ),
    "a row that is too long": (
        {"scores.csv": swap(SCORES, "40,Week 2", "40,Week 2,x")},
        "scores.csv, row 3, value 'x': 5 cells under 4 column names",
    ),
    "a row that is too short": (
        {"scores.csv": swap(SCORES, "40,Week 2", "40")},
        "scores.csv, row 3: 3 cells under 4 column names",
    ),
    "two columns of one name": (
        {"scores.csv": swap(SCORES, "visit", "day")},
        "scores.csv, row 1, column 'day': two columns share one name",
    ),
    "a column without a name": (
        {"scores.csv": swap(SCORES, "day", "")},
        "scores.csv, row 1, column 'number 2': a column has no name",
    ),
    "an open quotation mark": (
        {"scores.csv": swap(SCORES, "Week 2", '"Week 2')},
        "scores.csv, row 3: not a readable table: a quotation mark that opens a cell "
        "is never closed",
    ),
    "bytes that are not UTF-8": (
        {"scores.csv": SCORES.encode() + b"03,2024-01-17,1,\xe5\n"},
        "scores.csv, row 7: the text is not UTF-8",
    ),
    "a NUL byte": (
        {"scores.csv": swap(SCORES, "40", "4\0")},
        "scores.csv, row 3, column 'score', value '4\\x00': a NUL byte stands in the "
        "text",
    ),
    "a workbook named .csv": (
        {"scores.csv": workbook(("a", cells(SCORES)))},
        "scores.csv: ",
    ),
}


@pytest.mark.parametrize(("files", "said"), FILES.values(), ids=list(FILES))
def test_a_file_that_is_no_table(tmp_path, files, said):
    (problem,) = found(tmp_path, files).problems
    assert problem.startswith(f"{RAW}/{said}")


#: A file of another form: its name, its content, settings, and the problem.
FORMS = {
    "no such sheet": (
        ("s.xlsx", workbook(("one", cells(SCORES)))),
        {"sheet": "two"},
        "s.xlsx: ",
        "name one of one",
    ),
    "a cell with an error": (
        ("s.xlsx", workbook(("one", cells(swap(SCORES, "40", "#DIV/0!"))))),
        {},
        "s.xlsx, row 3, column 'score', value '#DIV/0!': an error of the spreadsheet",
        "mend the formula, or list it under missing_codes",
    ),
    "two members and none named": (
        ("s.zip", archive(a=SCORES, b=SCORES)),
        {},
        "s.zip: the archive holds 2 files",
        "name one as `member`: a.csv, b.csv",
    ),
    "no such member": (
        ("s.zip", archive(a=SCORES)),
        {"member": "b.csv"},
        "s.zip: there is no member 'b.csv'",
        "name one of a.csv",
    ),
    "a zip that is none": (("s.zip", SCORES.encode()), {}, "s.zip: ", ""),
    "a gz that is cut off": (
        ("s.csv.gz", packed(SCORES)[:-12]),
        {},
        "s.csv.gz: not a complete compressed file",
        "send the file again; it may have been cut off",
    ),
    "an encoding that does not fit": (
        ("s.csv", SCORES.encode() + b"03,2024-01-17,1,\xe5\n"),
        {"encoding": "ascii"},
        "s.csv, row 7: the text is not ascii",
        "",
    ),
    "an option of another format": (
        ("s.xlsx", workbook(("one", cells(SCORES)))),
        {"delimiter": ";"},
        "config/trials/spoilt.yaml, at sources.scores: ",
        "delimiter means nothing in a file of format xlsx; leave it out",
    ),
    "a format that the content has not": (
        ("s.csv", SCORES.encode()),
        {"format": "xpt"},
        "s.csv: ",
        "",
    ),
    "a suffix that is none": (("s.xls", b"x"), {}, "s.xls: ", "save it as .xlsx"),
    "names for another number of columns": (
        ("s.csv", SCORES.encode()),
        {"header": False, "columns": ["id", "day"]},
        "s.csv: 4 columns, and `columns` names 2",
        "name every column of the file, in its order",
    ),
}


@pytest.mark.parametrize(
    ("file", "options", "begin", "remedy"), FORMS.values(), ids=list(FORMS)
)
def test_a_file_of_another_form(tmp_path, file, options, begin, remedy):
    name, content = file
    source = {"file": f"{RAW}/{name}", "key": ["id", "day"], **options}
    (problem,) = found(tmp_path, {name: content}, sources__scores=source).problems
    where = begin if begin.startswith("config") else f"{RAW}/{begin}"
    assert problem.startswith(where)
    assert remedy in problem


#: What is spoilt, the files, and every problem without the folder.
CELLS = {
    "a misspelt column": (
        {"scores.csv": swap(SCORES, "score", "skore")},
        "scores.csv, column 'score': missing column; did you mean 'skore'?",
    ),
    "a number that is text": (
        {"scores.csv": swap(SCORES, "40", "forty")},
        "scores.csv, row 3, column 'score', value 'forty': not a whole number; write a "
        "number with a decimal point, or list the code under missing_codes",
    ),
    "a fraction for a whole number": (
        {"scores.csv": swap(SCORES, "40", "40.5")},
        "scores.csv, row 3, column 'score', value '40.5': not a whole number; write a "
        "number with a decimal point, or list the code under missing_codes",
    ),
    "a decimal comma": (
        {"people.csv": swap(PEOPLE, "70", '"70,5"')},
        "people.csv, row 2, column 'kg', value '70,5': not a number; write a number "
        "with a decimal point, or list the code under missing_codes",
    ),
    "an impossible date": (
        {"scores.csv": swap(SCORES, "2024-01-15", "2024-02-30")},
        "scores.csv, row 3, column 'day', value '2024-02-30': not a date: there is "
        "no such day; write it as %Y-%m-%d or %d/%m/%Y, or list the format under "
        "date_formats",
    ),
    "a month of thirteen": (
        {"scores.csv": swap(SCORES, "2024-01-15", "01/13/2024")},
        "scores.csv, row 3, column 'day', value '01/13/2024': not a date: there is "
        "no such day; write it as %Y-%m-%d or %d/%m/%Y, or list the format under "
        "date_formats",
    ),
    "a partial date": (
        {"people.csv": swap(PEOPLE, "2024-03-01", "2024-03")},
        "people.csv, row 2, column 'end', value '2024-03': not a date; write it as "
        "%Y-%m-%d or %d/%m/%Y, or list the format under date_formats, or say under "
        "`partial` how it is completed",
    ),
    "an unknown arm": (
        {"people.csv": swap(PEOPLE, "01,A", "01,B")},
        "people.csv, row 2, column 'arm', value 'B': unknown label; write one of A, P "
        "or list it under recode",
    ),
    "no arm": (
        {"people.csv": swap(PEOPLE, "01,A", "01,")},
        "people.csv, row 2, column 'arm': no arm; write the arm as randomised",
    ),
    "an unknown label": (
        {"people.csv": swap(PEOPLE, "kg,F", "kg,female")},
        "people.csv, row 2, column 'sex', value 'female': unknown label; write one of "
        "F, M or list it under recode",
    ),
    "an unknown unit": (
        {"people.csv": swap(PEOPLE, "70,kg", "70,points")},
        "people.csv, row 2, column 'unit', value 'points': unknown unit; write one of "
        "lb, kg or list it under units",
    ),
    "no unit": (
        {"people.csv": swap(PEOPLE, "70,kg", "70,")},
        "people.csv, row 2, column 'unit': no unit; write one of lb, kg or list it "
        "under units",
    ),
    "a unit that is code": (
        {"people.csv": swap(PEOPLE, "70,kg", "70,9**9**9**9")},
        "people.csv, row 2, column 'unit', value '9**9**9**9': unknown unit; write one "
        "of lb, kg or list it under units",
    ),
    "no subject": (
        {"scores.csv": swap(SCORES, "01,2024-01-15", ",2024-01-15")},
        "scores.csv, row 3, column 'id': no subject; write the subject's number",
    ),
    "a subject written in another way": (
        {"scores.csv": swap(SCORES, "01,2024-01-15", "1,2024-01-15")},
        "scores.csv, row 3, column 'id', value '1': subject written in another way: "
        "elsewhere it is '01'; write it the same everywhere; a spreadsheet may have "
        "changed it, so format the column as text",
    ),
    "a key that stands twice": (
        {"people.csv": PEOPLE + "01,A,2024-01-01,,71,kg,F,10\n"},
        "people.csv, row 5, column 'id', value '01': duplicated key: row 2 has it with "
        "other values; keep one of the two rows",
    ),
    "a row that no row there belongs to": (
        {"people.csv": swap(PEOPLE, "F,10", "F,30")},
        "people.csv, row 2, column 'centre', value '30': no row of 'sites' belongs to "
        "it; add the row, or write `unmatched: keep` or `set_aside`",
    ),
    "a key of the join that stands twice": (
        {"sites.csv": SITES + "10,SE\n"},
        "sites.csv, row 4, column 'centre', value '10': the key of the join stands "
        "twice; keep one row, or name a further column under `on`",
        "sites.csv, row 4, column 'centre', value '10': duplicated key: row 2 has it "
        "with other values; keep one of the two rows",
    ),
    "a column of the join that is absent": (
        {"sites.csv": swap(SITES, "country", "land")},
        "sites.csv, column 'country': missing column; did you mean 'centre'?",
    ),
    "no term of an event": (
        {"events.csv": swap(EVENTS, "Headache", "")},
        "events.csv, row 2, column 'term': no term; write the event as reported",
    ),
    "a seriousness that no count knows": (
        {"events.csv": swap(EVENTS, "05,N", "05,serious")},
        "events.csv, row 2, column 'serious', value 'serious': unknown label of AESER; "
        "recode it to one of Y, N",
    ),
    "no time": (
        {"times.csv": swap(TIMES, "60", "")},
        "times.csv, row 2, column 'days': no time; write the time since the start, 0 "
        "or more",
    ),
    "a time before the start": (
        {"times.csv": swap(TIMES, "60", "-1")},
        "times.csv, row 2, column 'days', value '-1': a time before the start; write "
        "the time since the start, 0 or more",
    ),
    "a wide column that is absent": (
        {"wide.csv": swap(WIDE, "w2", "week2")},
        "wide.csv, column 'w2': missing column; ",
    ),
    "a wide value that is text": (
        {"wide.csv": swap(WIDE, "01,5,4", "01,5,four")},
        "wide.csv, row 2, column 'w2', value 'four': not a number; write a number with "
        "a decimal point, or list the code under missing_codes",
    ),
    "a baseline that is text": (
        {"wide.csv": swap(WIDE, "01,5,4", "01,five,4")},
        "wide.csv, row 2, column 'base', value 'five': not a number; write a number "
        "with a decimal point, or list the code under missing_codes",
    ),
}


@pytest.mark.parametrize("case", CELLS.values(), ids=list(CELLS))
def test_a_cell_that_cannot_be_meant(tmp_path, case):
    files, *said = case
    problems = found(tmp_path, files).problems
    assert len(problems) == len(said)
    for problem, begin in zip(problems, said, strict=True):
        assert problem.startswith(f"{RAW}/{begin}")


def test_all_problems_of_all_steps_come_at_once(tmp_path):
    files = {
        "people.csv": swap(PEOPLE, "kg,F", "kg,female"),
        "scores.csv": swap(SCORES, "40", "forty"),
        "wide.csv": swap(WIDE, "w2", "week2"),
        "events.csv": swap(EVENTS, "Headache", ""),
        "times.csv": swap(TIMES, "60", "-1"),
    }
    places = [problem.split(":")[0] for problem in found(tmp_path, files).problems]
    assert places == [
        f"{RAW}/wide.csv, column 'w2'",
        f"{RAW}/people.csv, row 2, column 'sex', value 'female'",
        f"{RAW}/scores.csv, row 3, column 'score', value 'forty'",
        f"{RAW}/events.csv, row 2, column 'term'",
        f"{RAW}/times.csv, row 2, column 'days', value '-1'",
    ]


def test_without_the_subjects_the_other_files_are_looked_at(tmp_path):
    files = {"people.csv": "", "scores.csv": swap(SCORES, "40", "forty")}
    told = found(tmp_path, files).problems
    assert [problem.split(":")[0] for problem in told] == [
        f"{RAW}/people.csv",
        f"{RAW}/scores.csv, row 3, column 'score', value 'forty'",
    ]


def test_a_dossier_without_problems_says_what_became_of_its_rows(tmp_path):
    told = found(tmp_path, {})
    assert told.problems == []
    # One weight in pounds, and two files whose every row is used as received.
    assert told.notes == [
        "config/trials/spoilt.yaml: 15 rows kept, 3 changed, 0 set aside",
        "config/trials/spoilt.yaml: 1 finding: unit conversion 1",
    ]
    assert (told.trials, told.sources, told.rows) == (1, 6, 18)
