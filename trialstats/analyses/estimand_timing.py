"""Whether an event happened before a visit that has no date of its own.

The dated records of the same subject tell it, and else the days of the visit's window.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.analyses.estimand_events import BEFORE_ALL, dates_of
from trialstats.errors import DataError
from trialstats.rows import is_observed

Config = Mapping[str, Any]

#: Further apart than the numbers of visits: periods go before visits.
_PERIOD = 1e9


def place_of(rows: pd.DataFrame) -> np.ndarray:
    """Return numbers that order visits, those of a later period after."""
    place = rows["AVISITN"].to_numpy(dtype=float)
    if "APERIOD" in rows:
        period = rows["APERIOD"].astype("float64").fillna(0).to_numpy()
        place = place + _PERIOD * period
    return place


def happened_before(
    cells: pd.DataFrame,
    records: pd.DataFrame,
    config: Config,
    parameter: str,
    adsl: pd.DataFrame,
) -> np.ndarray:
    """Return whether an event happened before each of some undated visits.

    Parameters
    ----------
    cells : DataFrame
        Visits with USUBJID, AVISIT, AVISITN, in a crossover APERIOD, and the date of
        the event under ``date``.
    records : DataFrame
        The subjects' records of the parameter.
    config : mapping
        Configuration of the trial.
    parameter : str
        Code of the parameter.
    adsl : DataFrame
        One row per subject.

    Returns
    -------
    ndarray of float
        1 when it did, 0 when it did not, NaN when nothing tells.
    """
    event = cells["date"].to_numpy(dtype="datetime64[s]")
    told = np.full(len(cells), np.nan)
    first, last = _window(cells, config, parameter, adsl)
    told[last < event] = 0.0
    told[first > event] = 1.0
    own = pd.DataFrame(
        {
            "USUBJID": cells["USUBJID"].to_numpy(),
            "date": event,
            "place": place_of(cells),
            "row": np.arange(len(cells)),
        }
    )
    pairs = own.merge(_dated(records), on="USUBJID", how="inner")
    earlier = pairs["seen"].to_numpy() < pairs["date"].to_numpy()
    later = pairs["seen"].to_numpy() > pairs["date"].to_numpy()
    # Seen at this visit or a later one, and the event still to come.
    not_yet = pairs.loc[earlier & (pairs["at"] >= pairs["place"]), "row"]
    passed = pairs.loc[later & (pairs["at"] <= pairs["place"]), "row"]
    told[not_yet.unique()] = 0.0
    told[passed.unique()] = 1.0
    told[event == BEFORE_ALL] = 1.0
    return told


def _dated(records: pd.DataFrame) -> pd.DataFrame:
    """Return subject, date and place of the records that were made at their visit."""
    if "ADT" not in records:
        return pd.DataFrame({"USUBJID": pd.Series(dtype="str"), "seen": [], "at": []})
    real = is_observed(records["DTYPE"])
    rows = records[real & records["ADT"].notna() & records["AVISITN"].notna()]
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"].to_numpy(),
            "seen": dates_of(rows["ADT"]),
            "at": place_of(rows),
        }
    )


def _window(
    cells: pd.DataFrame, config: Config, parameter: str, adsl: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last date of the window of each visit, else NaT."""
    nothing = np.full(len(cells), np.datetime64("NaT", "s"))
    of = config.get("responders", {}).get(parameter, {}).get("of", parameter)
    visits = config.get("bds", {}).get(of, {}).get("visits", {})
    windows = visits.get("windows", {})
    people = adsl.set_index("USUBJID")
    origin = nothing
    if visits.get("reference") in people:
        origin = dates_of(cells["USUBJID"].map(people[visits["reference"]]))
    elif visits.get("reference") == "period" and "APERIOD" in cells:
        for number, name in enumerate(config.get("periods", []), start=1):
            starts = dates_of(cells["USUBJID"].map(people[name]))
            here = (cells["APERIOD"] == number).to_numpy(dtype=bool)
            origin = np.where(here, starts, origin)
    limits = []
    for end in (0, 1):
        days = {name: _offset(window["days"][end]) for name, window in windows.items()}
        apart = cells["AVISIT"].map(days).to_numpy(dtype=float)
        known = ~np.isnan(apart)
        shift = np.where(known, apart, 0).astype("timedelta64[D]")
        limits.append(np.where(known, origin + shift, nothing))
    return limits[0], limits[1]


def _offset(day: int) -> int:
    """Return how long after day 1 a day is; there is no day 0."""
    return day - 1 if day > 0 else day


def require_told(rows: pd.DataFrame) -> None:
    """Raise DataError for the first record that has no date to tell its time by."""
    if len(rows):
        first = rows.iloc[0]
        when = pd.Timestamp(first["date"]).strftime("%Y-%m-%d")
        raise DataError(
            f"the record at {first['AVISIT']} has no date, so it cannot be told "
            f"whether it stands before or after the event of {when}",
            row=f"subject {first['USUBJID']}",
            column="ADT",
            remedy="give the visits dates, or leave out the `date` of the event: it "
            "then lies before every visit after baseline",
        )
