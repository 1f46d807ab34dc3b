"""Version of the package, in one place that a step may depend on."""

__version__ = "0.1.0"
