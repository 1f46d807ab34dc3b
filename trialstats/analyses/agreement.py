"""Stop the run when two engines disagree."""

import pandas as pd

from trialstats.errors import DisagreementError


def require_agreement(frame: pd.DataFrame) -> None:
    """Raise DisagreementError with every row of `frame` that does not agree."""
    bad = frame[~frame["agrees"].astype(bool)]
    if len(bad):
        lines = [
            f"  {r['row_id']}, {r['quantity']}: {r['estimate']} against "
            f"{r['second_estimate']} by {r['engine']} (relative difference "
            f"{r['relative_difference']}, allowed {r['tolerance']:g})"
            for r in bad.to_dict("records")
        ]
        raise DisagreementError("Two engines disagree:\n" + "\n".join(lines))
