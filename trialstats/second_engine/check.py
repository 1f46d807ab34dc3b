"""One quantity of a result beside the second engine's."""

from typing import Any

Check = dict[str, Any]

#: Relative agreement of two engines that evaluate one closed form.
CLOSE = 1e-8

#: Why that tolerance, for numbers that were read from the rows of the estimates.
STORED = "closed form in both engines; rows are stored with twelve digits"


def comparison(
    quantity: str,
    engine: str,
    estimate: float,
    second_estimate: float,
    tolerance: float = CLOSE,
    reason: str = STORED,
) -> Check:
    """Return a comparison as the agreement table holds it.

    Parameters
    ----------
    quantity, engine : str
        What is compared, and with what.
    estimate, second_estimate : float
        Of the first engine and of the second.
    tolerance : float
        Relative to the estimate; absolute where the estimate is zero.
    reason : str
        Why the tolerance is what it is.
    """
    return {
        "quantity": quantity,
        "engine": engine,
        "estimate": float(estimate),
        "second_estimate": float(second_estimate),
        "tolerance": tolerance,
        "tolerance_reason": reason,
    }
