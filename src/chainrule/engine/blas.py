"""How many threads BLAS may use: one where a step's products are small.

Two threads make a product of 13 Mflop a little faster, but each leaves its half of dW in its own
core's cache, and the update that follows fetches it back: measured on two cores, a step of
784-128-10 with a batch of 64 took 360 µs with one thread and up to 460 with two. From about
20 Mflop on, two threads win.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from chainrule.engine.base import Job

__all__ = ["blas_threads_for", "one_blas_thread"]

_SMALL_PRODUCT = 20e6  # flops


@contextlib.contextmanager
def blas_threads_for(job: Job) -> Iterator[None]:
    """While active, BLAS uses one thread if all products of the job's steps are small."""
    if _largest_product(job) > _SMALL_PRODUCT:
        yield
        return
    with one_blas_thread():
        yield


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """While active, BLAS uses one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def _largest_product(job: Job) -> float:
    """Flops of the step's largest matrix product: 2 · batch · in · out."""
    sizes = [math.prod(slot.shape) for slot in job.net.layout.slots if slot.is_weight]
    return 2.0 * job.batch_size * max(sizes, default=0)
