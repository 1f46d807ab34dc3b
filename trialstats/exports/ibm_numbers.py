"""Floating-point numbers as SAS transport files hold them: those of IBM mainframes.

A number is ``(-1)^s * 0.f * 16^(e - 64)``: one bit for the sign s, seven for the
exponent e, 56 for the fraction f, whose first hexadecimal digit is not zero. Every
64-bit number of IEEE 754 has 53 binary digits, so within the range it is held exactly.
"""

import numpy as np
from numpy.typing import NDArray

#: Smallest and largest magnitude that is held.
SMALLEST = 16.0**-65
LARGEST = float(np.nextafter(16.0**63, 0))

_EXPONENT_BIAS = 64
_FRACTION_BITS = 56

#: How a missing number is written: a full stop, then zeros.
_MISSING = np.uint64(0x2E << 56)


def is_held(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which numbers can be held: zero, missing, and those within the range.

    >>> is_held(np.array([0.0, np.nan, 1e-70, 1e-80, -1e76])).tolist()
    [True, True, True, False, False]
    """
    size = np.abs(numbers)
    within = (size >= SMALLEST) & (size <= LARGEST)
    held: NDArray[np.bool_] = within | (numbers == 0) | np.isnan(numbers)
    return held


def ibm_bytes(numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return eight bytes a number, one row each.

    Not-a-number becomes the missing value of SAS; a negative zero becomes zero, for
    readers know one zero. All must be held (`is_held`).

    >>> ibm_bytes(np.array([-118.625]))[0].tobytes().hex()
    'c276a00000000000'
    """
    missing = np.isnan(numbers)
    known = np.where(missing, 0.0, numbers)
    mantissa, exponent = np.frexp(np.abs(known))
    # |x| = mantissa * 2^exponent with mantissa in [1/2, 1); the next multiple of four
    # above the exponent is a power of sixteen.
    power = -(-exponent.astype(np.int64) // 4)
    shift = 4 * power - exponent
    fraction = np.ldexp(mantissa, _FRACTION_BITS - shift).astype(np.uint64)
    biased = np.where(known == 0, 0, power + _EXPONENT_BIAS).astype(np.uint64)
    sign = (known < 0).astype(np.uint64)
    words = (sign << np.uint64(63)) | (biased << np.uint64(_FRACTION_BITS)) | fraction
    words = np.where(missing, _MISSING, words)
    return words.astype(">u8").view(np.uint8).reshape(len(numbers), 8)
