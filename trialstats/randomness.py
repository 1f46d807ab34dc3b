"""Random streams with an address: one seed, one stream per purpose."""

import zlib

import numpy as np

from trialstats.errors import DataError


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator that belongs to `names` under `seed`.

    Adding a purpose leaves the numbers of every other purpose alone.

    Parameters
    ----------
    seed : int
        The seed of the analysis, not negative.
    *names : str
        The address: what the numbers are for.

    Returns
    -------
    numpy.random.Generator
        A generator that depends on `seed` and `names` only.

    Raises
    ------
    DataError
        For a seed that is not a whole number of zero or more.
    """
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise DataError(
            f"the seed is {seed!r}", remedy="pass a whole number of zero or more"
        )
    return np.random.default_rng([seed, *(zlib.crc32(n.encode()) for n in names)])
