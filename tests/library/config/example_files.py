"""Raw files of the trials in tests/reference/configurations/, made by formulas."""

import datetime as dt
import io as streams
import zipfile
from collections.abc import Iterable
from typing import Any

from openpyxl import Workbook

Rows = Iterable[Iterable[Any]]
DAY_ONE = dt.date(2024, 1, 8)


def wobble(*numbers: int) -> float:
    """Return a number from 0 to 1 that looks irregular and is always the same."""
    total = sum((2 * place + 1) * 7919 * n * n + n for place, n in enumerate(numbers))
    return (total * 104_729 + 1_299_709) % 9973 / 9973


def text(rows: Rows, delimiter: str = ",") -> bytes:
    """Return rows as delimited text."""
    lines = (
        delimiter.join("" if cell is None else str(cell) for cell in row)
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines).encode()


def after(days: int) -> dt.date:
    """Return a day counted from the first day of the trial."""
    return DAY_ONE + dt.timedelta(days=days)


def dated() -> dict[str, bytes]:
    """Return 48 people, a screening failure and a record of a training."""
    people: list[list[Any]] = [
        [
            "id",
            "arm",
            "sex",
            "age",
            "height",
            "weight",
            "weight_unit",
            "temperature",
            "randomised",
            "start",
            "stop",
            "end",
            "status",
            "reason",
            "aura",
        ]
    ]
    visits: list[list[Any]] = [["patient", "visit", "day", "days", "impact"]]
    events: list[list[Any]] = [
        [
            *("id", "term", "coded", "class", "onset", "end"),
            *("severity", "serious", "related"),
        ]
    ]
    for n in range(48):
        name, arm = f"{n % 3 + 1:02d}-{n:03d}", "PLH"[(n + n // 3) % 3]
        first = 3 * n
        stopped = wobble(n, 5) < 0.2
        last = first + (40 if stopped else 86)
        people.append(
            [
                *(name, arm, 1 if wobble(n, 1) < 0.6 else 2),
                *(25 + int(40 * wobble(n, 2)), 1.7 if n == 4 else 160 + n % 30),
                *(
                    (-99, None)
                    if n == 3
                    else (11, "st")
                    if n == 5
                    else (70_000, "kg")
                    if n == 6
                    else (60 + n, "kg")
                ),
                *(98.6, after(first - 2), after(first)),
                *(after(last), after(first + (80 if n == 17 else 86))),
                "DISCONTINUED" if stopped else "COMPLETED",
                (None, "Withdrew consent", "Adverse event")[(1 + n % 2) * stopped],
                "Y" if wobble(n, 3) < 0.6 else "N",
            ]
        )
        base = 12 + 8 * wobble(n, 4)
        for week, offset in ((0, -1), (4, 28), (8, 56), (12, 84)):
            if stopped and week > (8 if n % 2 else 4):
                continue
            gain = {"P": 0.4, "L": 0.5, "H": 0.6}[arm] * week / 12
            days: Any = round(base * (1 - gain) + 6 * wobble(n, week, 6) - 3)
            if n in (10, 11) and week == 8:
                days = ("ND", -99)[n - 10]
            impact = ("none", "mild", "moderate", "severe")[int(4 * wobble(n, week, 8))]
            day = after(first + offset + n % 2)
            visits.append([name, f"W{week}", f"{day:%d.%m.%Y}", days, impact])
            if n == 18 and week == 4:  # as near to the middle of the window
                visits.append([name, "W4", f"{after(first + 27):%d.%m.%Y}", 20, impact])
                visits[-2][2] = f"{after(first + 28):%d.%m.%Y}"
            if n == 16 and week == 8:
                visits.append(
                    [name, "extra", f"{after(first + 70):%d.%m.%Y}", 9, impact]
                )
        if wobble(n, 9) < 0.5:
            seen = after(first + 10)
            events.append(
                [
                    *(
                        name,
                        "feeling sick",
                        "Nausea",
                        "Gastrointestinal disorders",
                        seen,
                        f"{after(first + 12):%d.%m.%Y}",
                    ),
                    *(1 + n % 3, "Y" if n % 9 == 0 else "N", ("yes", "no")[n % 2]),
                ]
            )
        if n % 8 == 2 or n == 5:
            rare = ("palpitations", "Palpitations", "Cardiac disorders")
            common = ("giddiness", "Vertigo", "Ear and labyrinth disorders")
            ended = f"{after(first + 21):%d.%m.%Y}"
            events.append(
                [
                    *(name, *(rare if n == 5 else common), after(first + 20), ended),
                    *(2, "N", "no"),
                ]
            )
    people.append(["01-900", *[None] * (len(people[0]) - 1)])
    training = ["TEST-1", "P", 1, 30, 170, 70, "kg", 98.6, after(0), after(0)]
    people.append([*training, after(1), after(2), "COMPLETED", None, "N"])
    return {
        "data/raw/people.csv": text(people),
        "data/raw/visits.csv": text(visits, ";"),
        "data/raw/events.csv": text(events),
    }


def several_files() -> dict[str, bytes]:
    """Return a workbook, an archive, three files of visits and lists without header."""
    book = Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet("patients")
    sheet.append(["id", "centre"])
    scores: dict[str, list[list[Any]]] = {}
    allocation: list[list[Any]] = [["arm"]]
    end: list[list[Any]] = [["id", "opinion"]]
    for n in range(1, 25):
        sheet.append([n, (1, 2, 9)[n % 3]])
        allocation.append(["AP"[n % 2]])
        end.append([n, 1 + n % 5])
        for visit in ("Baseline", "Week 4", "Week 12"):
            rows = scores.setdefault(
                visit, [["Läkemedel"], [], ["id", "item", "score"]]
            )
            for item, most in (("pain", 10), ("nausea", 4)):
                gain = (visit != "Baseline") * (1 + (n % 2 == 0))
                rows.append(
                    [
                        n,
                        item,
                        round(most * (0.3 + 0.6 * wobble(n, most, len(visit)))) - gain,
                    ]
                )
    packed, workbook = streams.BytesIO(), streams.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("allocation.csv", text(allocation))
        archive.writestr("readme.csv", b"note\nmade by the pharmacy\n")
    book.save(workbook)
    made = {
        f"data/raw/{visit.lower().replace(' ', '_')}.csv": text(rows)
        .decode()
        .encode("latin-1")
        for visit, rows in scores.items()
    }
    return made | {
        "data/raw/sites.txt": b"# country of each site\n1,Sweden\n2,Denmark\n",
        "data/raw/allocation.zip": packed.getvalue(),
        "data/raw/people.xlsx": workbook.getvalue(),
        "data/raw/end_of_study.export": text(end),
    }


def wide() -> dict[str, bytes]:
    """Return one row a patient, with a baseline and two months."""
    rows: list[list[Any]] = [
        ["id", "arm", "days_0", "days_1", "date_1", "days_3", "date_3"]
    ]
    for n in range(1, 17):
        first = 8 + n % 5
        gain = 3 if n % 2 else 1
        rows.append(
            [
                n,
                "PA"[n % 2],
                first,
                f"{first - 1},5",
                after(30 + n),
                first - gain + n % 3,
                after(90 + n),
            ]
        )
    return {"data/raw/patients.csv": text(rows, ";")}


def adam() -> dict[str, bytes]:
    """Return ADSL with two rows a subject, measurements and times to an event."""
    adsl: list[list[Any]] = [["USUBJID", "VISITNUM", "TRT01P"]]
    adqs: list[list[Any]] = [
        ["USUBJID", "PARAMCD", "AVISIT", "AVAL", "BASE", "ANL01FL", "ABLFL", "DTYPE"]
    ]
    adtte: list[list[Any]] = [["USUBJID", "PARAMCD", "AVAL", "CNSR"]]
    for n in range(1, 21):
        name, arm = f"M-{n:02d}", ("Placebo", "Active")[n % 2]
        adsl += [[name, 1, arm], [name, 2, arm]]
        base = 55 + n % 12
        last = base - (6 if n % 2 else 2) + n % 4
        adqs.append([name, "HIT6", "Baseline", base, base, "Y", "Y", None])
        carried = "LOCF" if n > 17 else None
        adqs.append([name, "HIT6", "Week 12", last, base, "Y", None, carried])
        adtte.append(
            [name, "TTRELIEF", 20 + 3 * n + 11 * (n % 2 == 0), n % 4 == 0 or 0]
        )
    for row in adtte[1:]:
        row[3] = int(row[3])
    return {
        "data/raw/adsl.csv": text(adsl),
        "data/raw/adqs.csv": text(adqs),
        "data/raw/adtte.csv": text(adtte),
    }


def sdtm() -> dict[str, bytes]:
    """Return the domains DM, EX, DS and VS; two were never in the trial."""
    tables: dict[str, list[list[Any]]] = {
        "dm": [["USUBJID", "ARM", "ARMCD", "MHSTDTC"]],
        "ex": [["USUBJID", "EXSEQ", "EXSTDTC", "EXDOSE"]],
        "ds": [["USUBJID", "DSSEQ", "DSCAT", "DSDECOD"]],
        "vs": [["USUBJID", "VSSEQ", "VSTESTCD", "VSSTRESN", "VSDTC"]],
    }
    for n in range(1, 15):
        name = f"S-{n:02d}"
        arm = ("Placebo", "Active")[n % 2]
        begun = ("2011", "2012-05", "2013-06-07")[n % 3]
        tables["dm"].append([name, arm, arm[:3].upper(), begun])
        tables["ex"] += [
            [name, 1, f"{after(n)}T08:00", 10 * (n % 2)],
            [name, 2, f"{after(n + 28)}T08:00", 10],
        ]
        tables["ds"] += [
            [name, 1, "PROTOCOL MILESTONE", "RANDOMIZED"],
            [name, 2, "DISPOSITION EVENT", "COMPLETED"],
        ]
        pulse = 66 + n % 9
        for place, (day, value) in enumerate(
            ((-5, pulse + 3), (0, pulse), (27, pulse + 2), (29, pulse + 2 + n % 3))
        ):
            tables["vs"].append([name, place + 1, "PULSE", value, after(n + day)])
    tables["dm"].append(["S-99", None, "SCRNFAIL", None])
    return {f"data/raw/{name}.csv": text(rows) for name, rows in tables.items()}


def crossover() -> dict[str, bytes]:
    """Return 16 people in two periods."""
    people: list[list[Any]] = [["id", "sequence", "period_1", "period_2"]]
    readings: list[list[Any]] = [["id", "day", "pain"]]
    tests: list[list[Any]] = [
        ["id", "sleep_active", "sleep_placebo", "steps_1", "steps_2"]
    ]
    ratings: list[list[Any]] = [["id", "period", "drug", "rating"]]
    for n in range(1, 17):
        order = ("PA", "AP")[n % 2]
        people.append([n, order, after(n), after(n + 42)])
        level = 4 + 4 * wobble(n, 1)
        readings.append([n, after(n - 1), round(level + 1, 1)])
        for period in (1, 2):
            drug = order[period - 1]
            gain = 1.5 if drug == "A" else 0.2
            day = after(n + 42 * (period - 1) + 14)
            readings.append([n, day, round(level - gain + wobble(n, period), 1)])
            ratings.append(
                [n, period, drug.lower(), round(3 + gain + 2 * wobble(n, period, 2))]
            )
        sleep = 5.5 + 2 * wobble(n, 3)
        tests.append(
            [
                n,
                round(sleep + 0.5 + wobble(n, 4) / 2, 2),
                round(sleep, 2),
                4000 + 100 * n,
                4100 + 90 * n,
            ]
        )
    return {
        "data/raw/people.csv": text(people),
        "data/raw/readings.csv": text(readings),
        "data/raw/tests.csv": text(tests),
        "data/raw/ratings.csv": text(ratings),
    }


def replicate() -> dict[str, bytes]:
    """Return 12 volunteers in four periods."""
    rows: list[list[Any]] = [["id", "sequence", "period", "cmax"]]
    for n in range(1, 13):
        order = ("TRTR", "RTRT")[n % 2]
        for period, drug in enumerate(order, start=1):
            level = 80 + 60 * wobble(n, 1) + 25 * wobble(n, period, 2)
            rows.append(
                [n, order, period, round(level * (1.05 if drug == "T" else 1), 1)]
            )
    return {"data/raw/profiles.csv": text(rows)}


FILES = {
    made.__name__: made
    for made in (dated, several_files, wide, adam, sdtm, crossover, replicate)
}
