"""Figures of participants of the CDISC pilot study: the report's Figure 14-1, the flow.

The report prints 19 numbers on its figure (page 151). Each is read from the text of
ours, which names the rows it came from. The report writes ``34% (29)`` where ours has
``29 (34%)``, and ``<.0001`` where ours has ``p < 0.0001``.
"""

import re

import pytest

from trialstats.figures.participants import flow_figure, kaplan_meier_figure
from trialstats.figures.reading import texts_of
from trialstats.figures.render import render
from trialstats.rows import estimates_frame

pytestmark = pytest.mark.reference

ARMS = {
    "Placebo": "Placebo",
    "Xan Low": "Xanomeline Low Dose",
    "Xan High": "Xanomeline High Dose",
}


@pytest.fixture(scope="module")
def cdisc(example):
    return example("cdiscpilot01")


def written(drawn):
    return texts_of(render(drawn.figure, "svg"))


def turned(text):
    """Write ``29 (34%)`` as the report does."""
    count, share = re.fullmatch(r"(\d+) \((\d+%)\)", text).groups()
    return f"{share} ({count})"


def test_the_figure_prints_what_figure_14_1_prints(cdisc, printed):
    rows = estimates_frame(cdisc.rows["dermatologic_event"])
    found = written(
        kaplan_meier_figure(rows, trial=cdisc.config, analysis="dermatologic_event")
    )
    by_row = {(i, w.text) for w in found for i in w.rows}
    texts = {}
    for row in cdisc.rows["dermatologic_event"]:
        mine = [text for i, text in by_row if i == row["row_id"]]
        if mine:
            texts[row["statistic"], row["group"]] = mine[0]
    ours = {}
    for column, arm in ARMS.items():
        ours["", "No. of Subjects", column] = texts["n_analysed", arm]
        ours["", "Event", column] = turned(texts["events", arm])
        ours["", "Censored", column] = turned(texts["censored", arm])
        median = texts["median_time", arm]
        numbers = re.findall(r"\d+\.\d", median) or ["NA"] * 3
        assert (median == "not reached") == (numbers[0] == "NA")
        names = ("Median", "Median LCL", "Median UCL")
        for name, number in zip(names, numbers, strict=True):
            ours["", name, column] = number
    p = texts["log_rank_test", None].rsplit(" ", 1)[1].rstrip(".")
    ours["", "Logrank p", "all"] = f"<{p.removeprefix('0')}"
    printed("cdiscpilot01").compare("Figure 14-1", ours, n_cells=19)


def test_those_at_risk_are_printed_under_every_time(cdisc):
    rows = cdisc.rows["dermatologic_event"]
    found = written(
        kaplan_meier_figure(
            estimates_frame(rows), trial=cdisc.config, analysis="dermatologic_event"
        )
    )
    counted = {r["row_id"]: r for r in rows if r["statistic"] == "n_at_risk"}
    shown = {i: w.text for w in found for i in w.rows if i in counted}
    # Three arms at 0, 28, 56, ... 168 days.
    assert len(shown) == len(counted) == 21
    assert all(float(shown[i]) == r["estimate"] for i, r in counted.items())


def test_the_flow_adds_up_and_agrees_with_the_models(cdisc):
    rows = [r for listed in cdisc.rows.values() for r in listed]
    found = written(flow_figure(estimates_frame(rows), trial=cdisc.config))
    by_id = {r["row_id"]: r for r in rows}
    for text in found:
        for number in re.findall(r"n = (\d+)", text.text.replace("\xa0", " ")):
            assert [by_id[i]["estimate"] for i in text.rows] == [float(number)]
    # Table 14-1.01: 79, 81 and 74 of 86, 84 and 84 are of the efficacy set.
    sizes = {"Placebo": 79, "Xan Low": 81, "Xan High": 74}
    for column, arm in ARMS.items():
        analysed = cdisc.value("adas_week24", statistic="flow_analysed", group=arm)
        assert analysed == sizes[column]
        assert analysed == cdisc.value("adas_week24", statistic="n_analysed", group=arm)
