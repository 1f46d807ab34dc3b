"""The figure of adverse events in a hierarchy: terms alone, and the rows they show."""

import matplotlib.pyplot as plt
import pytest

from trialstats.figures.adverse_event_rows import events_of
from trialstats.figures.adverse_events import adverse_event_plot
from trialstats.figures.render import row_gid
from trialstats.records import records
from trialstats.rows import estimates_frame

ARMS = ("Active substance in a high dose", "Placebo")


def rows(terms=3, by="AEDECOD"):
    lines = [("Any adverse event", "overview", 40), ("Grave", "overview", 4)]
    lines += [("Skin", "AESOC", 30)] if by == "AEDECOD" else []
    path = "Skin > " if by == "AEDECOD" else ""
    lines += [(f"{path}Term {i}", by, 5 + i % 7) for i in range(terms)]
    listed = []
    for name, part, number in lines:
        shared = {
            "kind": "trial",
            "trial": "demo",
            "analysis": "events",
            "role": "descriptive",
            "scale": "natural",
            "parameter": name,
            "method": "counted",
            "model_id": part,
            "data_status": "synthetic",
        }
        for arm in ARMS:
            for grade in (None, "Maximum severity: MILD"):
                listed.append(
                    shared
                    | {
                        "row_id": f"{name}.{arm}.{grade}",
                        "statistic": "subjects_with_event",
                        "group": arm,
                        "subgroup": grade,
                        "estimate": number if grade is None else 1,
                        "n_subjects": 50,
                    }
                )
        listed.append(
            shared
            | {
                "row_id": f"{name}.difference",
                "statistic": "risk_difference",
                "contrast": f"{ARMS[0]} versus Placebo",
                "estimate": 0.05,
                "ci_lower": -0.1,
                "ci_upper": 0.2,
                "confidence_level": 0.95,
            }
        )
    return estimates_frame(listed)


def test_the_narrowest_terms_are_drawn_without_grades():
    arms, events, left_out = events_of(records(rows()))
    assert (arms, left_out) == (list(ARMS), 0)
    labels = [event.label for event in events]
    assert labels == ["Any adverse event", "Grave", "Term 0", "Term 1", "Term 2"]
    assert [e.is_summary for e in events] == [True, True, False, False, False]
    assert events[0].counts == dict.fromkeys(ARMS, (40.0, 50.0))


def test_of_many_terms_the_most_frequent_are_drawn():
    _, events, left_out = events_of(records(rows(terms=23)))
    drawn = [e.label for e in events if not e.is_summary]
    assert (len(drawn), left_out) == (20, 3)
    # Every seventh term is the most frequent, and the rarest are left out.
    assert drawn[:3] == ["Term 6", "Term 13", "Term 20"]
    assert not {"Term 7", "Term 14", "Term 21"} & set(drawn)


@pytest.mark.parametrize("by", ["AEDECOD", "AETERM"])
def test_numbers_and_marks_name_their_rows(by):
    figure = adverse_event_plot(rows(by=by), title="Adverse events")
    gids = [artist.get_gid() for artist in figure.findobj() if artist.get_gid()]
    plt.close(figure)
    for name in ("Any adverse event", "Grave"):
        for arm in ARMS:  # The numbers, and the point.
            assert gids.count(row_gid(f"{name}.{arm}.None")) == 2
        # The numbers, the interval and its square.
        assert gids.count(row_gid(f"{name}.difference")) == 3


def test_long_names_of_arms_leave_room_for_the_plots():
    figure = adverse_event_plot(rows(), title="Adverse events")
    texts = [t for t in figure.findobj(plt.Text) if t.get_text()]
    shown = {t.get_text() for t in texts}
    plt.close(figure)
    assert "Active" in shown
    assert ARMS[0] not in shown
    assert "Risk difference, points" in shown
