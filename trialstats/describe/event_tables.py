"""Write times to an event and adverse events into a draft."""

from trialstats.describe.events import adverse_events, not_emergent, times_of
from trialstats.describe.parameters import reference
from trialstats.describe.standards import standard_name
from trialstats.describe.study import Study


def draft_times(study: Study) -> None:
    """Write the times to an event."""
    for place, (name, table) in enumerate(zip(study.names, study.tables, strict=True)):
        for parameter, found in times_of(table, name).items():
            study.sheet.put(("adtte", parameter), found.spec, guess=found.evidence)
            study.used[place] |= set(found.used)
            if found.recurrent and place == study.main:
                time, status = found.recurrent
                variables = ("adsl", "variables")
                study.sheet.put(
                    (*variables, "NEVENTS"),
                    {
                        "column": status,
                        "take": "sum",
                        "type": "integer",
                        "label": "Number of events",
                    },
                )
                study.sheet.put(
                    (*variables, "FUTIME"),
                    {
                        "column": time,
                        "take": "highest",
                        "type": "number",
                        "label": "Time of follow-up",
                        "unit": "days",
                    },
                )
        known = {standard_name(c.name, c.label) for c in table.columns.values()}
        if "CNSR" in known:
            study.used[place] |= set(table.columns)


def draft_events(study: Study) -> None:
    """Write the adverse events of the first table that has some."""
    for place, (name, table) in enumerate(zip(study.names, study.tables, strict=True)):
        if place == study.main:
            continue
        found = adverse_events(table)
        if found is None:
            continue
        variables, evidence = found
        study.sheet.put(
            ("adae",), {"from": name, "variables": variables}, guess=evidence
        )
        flag = not_emergent(table)
        if flag:
            rule = {
                "when": f"not ({reference(flag)} == 'Y')",
                "reason": "not treatment-emergent",
            }
            study.sheet.put(
                ("sources", name, "set_aside"),
                [rule],
                guess="only events under treatment",
            )
        study.used[place] |= set(table.columns)
        return
