"""Linear algebra on one thread, so that no number depends on the number of cores."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside a ``with`` block."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
