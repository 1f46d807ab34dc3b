"""The axis of a forest plot: how far it reaches for the effects of its lines."""

from collections.abc import Sequence

from trialstats.figures.axis import SIDE, Axis, Interval, checked_limits, limits
from trialstats.figures.forest_blocks import side_share
from trialstats.figures.forest_lines import Line
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.forest_options import ForestOptions
from trialstats.vocabulary import Measure

#: Which results may widen the axis first. A subtotal of two trials may be so wide that
#: nothing else could be read; it is cut instead.
_IMPORTANCE = ("pooled", "sensitivity", "published", "prediction")

#: Kinds of line whose intervals the axis shows well.
_BASE = ("trial", "model")

#: Logarithms beyond which a ratio is no number of the machine, with room for ticks.
_LARGEST_LOG = 680.0


def effect_axis(
    measure: Measure,
    group: Sequence[Line],
    places: tuple[float, float],
    options: ForestOptions,
    texts: tuple[str, str] | None,
) -> Axis:
    """Return an axis for the effects of lines.

    Parameters
    ----------
    measure : Measure
        What it shows.
    group : sequence of Line
        The lines.
    places : pair of float
        Left and right end of the plot, in points.
    options : ForestOptions
        Limits, where they are given, and the size of the type.
    texts : pair of str, optional
        What each side of no effect means; both sides get room for it.
    """
    share = SIDE
    if texts is not None:
        width = places[1] - places[0]
        above = HOUSES[options.layout].favours_above
        share = side_share(texts, options.font_size, width, above=above)
    low, high = _limits(measure, group, options, share)
    return Axis(low, high, *places, log=measure.log, percent=measure.percent)


def _limits(
    measure: Measure, group: Sequence[Line], options: ForestOptions, side: float
) -> Interval:
    """Return the ends of the axis, on the scale of storage."""
    if options.axis_limits:
        low, high = checked_limits(options.axis_limits, log=measure.log)
        return (low / 100, high / 100) if measure.percent else (low, high)
    effects = [(line.kind, line.effect) for line in group if line.effect]
    trials = [e.interval for kind, e in effects if kind in _BASE and e.interval]
    pooled = [
        e.interval
        for wanted in _IMPORTANCE
        for kind, e in effects
        if kind == wanted and e.interval
    ]
    points = [e.estimate for _, e in effects if e.estimate is not None]
    if not trials:
        trials, pooled = pooled, []
    low, high = limits(trials, pooled, points, side=side)
    if measure.log:
        return max(low, -_LARGEST_LOG), min(high, _LARGEST_LOG)
    return low, high
