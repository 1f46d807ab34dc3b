"""The CDISC pilot study from its configuration, to the digits of its report.

Every cell of the tables is read from rows of the estimates and written as the report
writes it. Tables and pages: trials/EXPECTED.md. No tolerance: text equals text.
"""

import pytest

from trialstats.formatting import format_number

pytestmark = pytest.mark.reference

CDISC = "cdiscpilot01"

#: Column of the report -> group of the rows.
GROUPS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
    "Total": "Total",
}
ARMS = {column: arm for column, arm in GROUPS.items() if column != "Total"}
LOW, HIGH = GROUPS["Xan Low"], GROUPS["Xan High"]

#: Row of 14-1.02 -> reason in the data.
REASONS = {
    "Adverse Event": "Adverse Event",
    "Death": "Death",
    "Lack of Efficacy[2]": "Lack of Efficacy",
    "Lost to Follow-up": "Lost to Follow-up",
    "Subject decided to withdraw": "Withdrew Consent",
    "Physician decided to withdraw subject": "Physician Decision",
    "Protocol criteria not met": "I/E Not Met",
    "Protocol violation": "Protocol Violation",
    "Sponsor decision": "Sponsor Decision",
    "Missing": "Missing",
}

#: Section of 14-2.01 -> variable of numbers.
NUMBERS = {
    "Age (y)": "AGE",
    "MMSE": "MMSETOT",
    "Duration of disease": "DURDIS",
    "Years of education": "EDUCLVL",
    "Baseline weight(kg)": "WEIGHTBL",
    "Baseline height(cm)": "HEIGHTBL",
    "Baseline BMI": "BMIBL",
}

#: Section of 14-2.01 -> variable of levels, and its rows.
LEVELS = {
    "Age (y)": ("AGEGR1", {"<65 yrs": "<65", "65-80 yrs": "65-80", ">80 yrs": ">80"}),
    "Sex": ("SEX", {"Male": "M", "Female": "F"}),
    "Race (Origin)": (
        "ORIGIN",
        {
            "Caucasian": "Caucasian",
            "African Descent": "African Descent",
            "Hispanic": "Hispanic",
            "Other": "Other",
        },
    ),
    "Duration of disease": ("DURDSGR1", {"<12 months": "<12", ">=12 months": ">=12"}),
    "Baseline BMI": ("BMIBLGR1", {"<25": "<25", "25-<30": "25-<30", ">=30": ">=30"}),
}


def n_percent(row, *, bare_zero=False):
    """Write ``8 ( 10%)``; where the report does, a bare 0 and below half ``<1%``."""
    count, size = int(row["estimate"]), row["n_subjects"]
    if bare_zero and count == 0:
        return "0"
    share = 100 * count / size
    text = "<1" if bare_zero and 0 < share < 0.5 else format_number(share, 0)
    return f"{count} ({text if len(text) > 2 else f' {text}'}%)"


def p_text(p):
    """Write a p-value as SAS does."""
    return "<.0001" if p < 0.0001 else format_number(p, 4)


@pytest.fixture(scope="module")
def cdisc(example):
    return example(CDISC)


@pytest.fixture(scope="module")
def cells(printed):
    return printed(CDISC)


def counted(cdisc, analysis, line, column, **where):
    row = cdisc.row(
        analysis, statistic="count", parameter=line, group=GROUPS[column], **where
    )
    return row


def test_populations(cdisc, cells):
    lines = cdisc.config["analyses"]["populations"]["model"]["lines"]
    ours = {
        ("", line, column): n_percent(
            counted(cdisc, "populations", line, column, subgroup=None)
        )
        for line in lines
        for column in GROUPS
    }
    cells.compare("14-1.01", ours, n_cells=20)


def test_end_of_study(cdisc, cells):
    lines = {
        ("Completion Status", "Completed Week 24"): "Completed Week 24",
        (
            "Completion Status",
            "Early Termination (prior to Week 24)",
        ): "Early Termination (prior to Week 24)",
        ("Completion Status", "Missing"): "Missing",
    }
    reason = "Reason for early termination (prior to Week 24)"
    lines |= {("Reason", row): f"{reason}: {level}" for row, level in REASONS.items()}
    ours = {}
    for (section, row), line in lines.items():
        for column in GROUPS:
            ours[section, row, column] = n_percent(
                counted(cdisc, "end_of_study", line, column)
            )
        if row != "Missing":
            test = cdisc.row("end_of_study", statistic="fisher_test", parameter=line)
            ours[section, row, "p-value"] = p_text(test["p_value"])
    cells.compare("14-1.02", ours, n_cells=55)


def test_sites(cdisc, cells):
    ours = {}
    places = {
        row["subgroup"] for row in cdisc.rows["sites"] if row["statistic"] == "count"
    }
    for place in places:
        name = "TOTAL"
        if place:
            pooled, site = (part.rsplit(" ", 1)[1] for part in place.split(", "))
            name = f"site {site} (pooled {pooled})"
        for line in ("ITT", "Eff", "Com"):
            for column in GROUPS:
                row = counted(cdisc, "sites", line, column, subgroup=place)
                ours["", name, f"{column} {line}"] = str(int(row["estimate"]))
    cells.compare("14-1.03", ours, n_cells=216)


def moments(cdisc, variable, column):
    names = {
        "n": ("n", 0),
        "Mean": ("mean", 1),
        "SD": ("standard_deviation", 2),
        "Median": ("median", 1),
        "Min": ("minimum", 1),
        "Max": ("maximum", 1),
    }
    where = {"parameter": variable, "group": GROUPS[column]}
    return {
        row: format_number(
            cdisc.value("demographics", statistic=statistic, **where), digits
        )
        for row, (statistic, digits) in names.items()
    }


def test_demographics(cdisc, cells):
    ours = {}
    for section, variable in NUMBERS.items():
        for column in GROUPS:
            for row, text in moments(cdisc, variable, column).items():
                ours[section, row, column] = text
        test = cdisc.row("demographics", statistic="anova_test", parameter=variable)
        ours[section, "n", "p-value"] = p_text(test["p_value"])
    for section, (variable, rows) in LEVELS.items():
        test = cdisc.row(
            "demographics", statistic="chi_square_test", parameter=variable
        )
        place = "n" if section not in NUMBERS else next(iter(rows))
        ours[section, place, "p-value"] = p_text(test["p_value"])
        for column, group in GROUPS.items():
            where = {"parameter": variable, "group": group}
            if section not in NUMBERS:
                n = cdisc.value("demographics", statistic="n", **where)
                ours[section, "n", column] = str(int(n))
            for row, level in rows.items():
                found = cdisc.row(
                    "demographics", statistic="count", subgroup=level, **where
                )
                ours[section, row, column] = n_percent(found, bare_zero=True)
    cells.compare("14-2.01", ours, n_cells=244)


def described(cdisc, analysis, name, column):
    """Return the three lines that the report has of values, baselines or changes."""

    def at(statistic, digits):
        where = {"statistic": f"{name}_{statistic}", "group": ARMS[column]}
        return format_number(cdisc.value(analysis, **where), digits)

    return {
        "n": at("n", 0),
        "Mean (SD)": f"{at('mean', 1)} ({at('standard_deviation', 2)})",
        "Median (Range)": f"{at('median', 1)} ({at('minimum', 0)};{at('maximum', 0)})",
    }


def compared(cdisc, analysis, contrast):
    row = cdisc.row(analysis, statistic="difference", contrast=contrast)
    ends = [format_number(row[end], 1) for end in ("ci_lower", "ci_upper")]
    difference = format_number(row["estimate"], 1)
    return {
        "p-value": format_number(row["p_value"], 3),
        "Diff of LS Means (SE)": (
            f"{difference} ({format_number(row['standard_error'], 2)})"
        ),
        "95% CI": f"({';'.join(ends)})",
    }


@pytest.mark.parametrize(
    ("table", "analysis", "n_cells"),
    [
        ("14-3.01", "adas_week24", 40),
        ("14-3.02", "cibic_week24", 22),
        ("14-3.03", "adas_week8", 40),
        ("14-3.04", "cibic_week8", 22),
    ],
)
def test_efficacy(cdisc, cells, table, analysis, n_cells):
    visit = cdisc.config["analyses"][analysis]["at"]
    sections = {visit: "value"}
    if analysis.startswith("adas"):
        sections |= {"Baseline": "baseline", "Change from Baseline": "change"}
    ours = {}
    for column, arm in ARMS.items():
        size = cdisc.row(analysis, statistic="n_with_data", group=arm)["n_subjects"]
        ours["header", "N", column] = f"N={size}"
        for section, name in sections.items():
            for row, text in described(cdisc, analysis, name, column).items():
                ours[section, row, column] = text
    contrasts = {
        ("Xan - Placebo", "Xan Low"): f"{LOW} versus Placebo",
        ("Xan - Placebo", "Xan High"): f"{HIGH} versus Placebo",
        ("Xan High - Xan Low", "Xan High"): f"{HIGH} versus {LOW}",
    }
    for (section, column), contrast in contrasts.items():
        for row, text in compared(cdisc, analysis, contrast).items():
            ours[section, row, column] = text
    dose = cdisc.row(analysis, statistic="dose_response")
    ours["Dose Response", "p-value", "Xan High"] = format_number(dose["p_value"], 3)
    cells.compare(table, ours, n_cells=n_cells)


def test_adas_over_time(cdisc, cells):
    names = {
        ("value", "n", "n", 0),
        ("value", "mean", "Mean", 1),
        ("value", "standard_deviation", "Std", 2),
        ("value", "median", "Med", 1),
        ("value", "minimum", "Min", 0),
        ("value", "maximum", "Max", 0),
        ("baseline", "mean", "Bsln Mean", 1),
        ("baseline", "standard_deviation", "Bsln Std", 2),
        ("change", "mean", "Chg Mean", 1),
        ("change", "standard_deviation", "Chg Std", 2),
        ("change", "median", "Chg Med", 1),
        ("change", "minimum", "Chg Min", 0),
        ("change", "maximum", "Chg Max", 0),
    }
    ours = {}
    for cell in cells.of("14-3.10"):
        section, row, column = cell["section"], cell["row"], cell["column"]
        carried = row.endswith("LOCF")
        visit = row.removesuffix(" LOCF").removesuffix(" (Windowed)")
        analysis = "adas_carried_forward" if carried else "adas_observed"
        (found,) = [name for name in names if name[2] == column]
        value = cdisc.value(
            analysis,
            statistic=f"{found[0]}_{found[1]}",
            group=ARMS[section],
            visit=visit,
        )
        ours[section, row, column] = format_number(value, found[3])
    cells.compare("14-3.10", ours, n_cells=252)


def test_least_squares_means_of_the_listing(cdisc, cells):
    # The report's LSMEANS have the observed margins of the pooled sites.
    letters = {"P": "Placebo", "L": LOW, "H": HIGH}
    columns = {
        "LSMEAN": "estimate",
        "SE": "standard_error",
        "LCL": "ci_lower",
        "UCL": "ci_upper",
    }
    seen = 0
    for cell in cells.of("Supporting 14-3.01"):
        if not cell["row"].startswith("LSMEAN") or cell["column"] == "p":
            continue
        arm = letters[cell["row"].removeprefix("LSMEAN ")]
        row = cdisc.row("adas_week24", statistic="ls_mean", group=arm)
        digits = len(cell["printed"].partition(".")[2])
        assert format_number(row[columns[cell["column"]]], digits) == cell["printed"], (
            cell["id"]
        )
        seen += 1
    assert seen == 12


def test_time_to_the_first_dermatologic_event(cdisc, cells):
    analysis, ours = "dermatologic_event", {}
    for column, arm in ARMS.items():
        n = cdisc.value(analysis, statistic="n_analysed", group=arm)
        ours["", "No. of Subjects", column] = str(int(n))
        for row, statistic in (("Event", "events"), ("Censored", "censored")):
            number = cdisc.value(analysis, statistic=statistic, group=arm)
            share = format_number(100 * number / n, 0)
            ours["", row, column] = f"{share}% ({int(number)})"
        median = cdisc.row(analysis, statistic="median_time", group=arm)
        for row, name in (
            ("Median", "estimate"),
            ("Median LCL", "ci_lower"),
            ("Median UCL", "ci_upper"),
        ):
            value = median[name]
            ours["", row, column] = "NA" if value is None else format_number(value, 1)
    test = cdisc.row(analysis, statistic="log_rank_test")
    ours["", "Logrank p", "all"] = p_text(test["p_value"])
    cells.compare("Figure 14-1", ours, n_cells=19)
