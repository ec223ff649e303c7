"""Which engine runs a job."""

from __future__ import annotations

import os

import numpy as np

from chainrule.checks import check_choice, check_kind
from chainrule.engine.base import Engine, Job
from chainrule.engine.native_engine import NativeEngine, native_threads, why_not_native
from chainrule.engine.numpy_engine import NumpyEngine
from chainrule.errors import InputError
from chainrule.native import kernels, thread_count

__all__ = ["choose_engine"]


def choose_engine(
    job: Job, rng: np.random.Generator, engine: str = "auto", threads: int | None = None
) -> Engine:
    """The engine that `engine` names, or for "auto" the compiled one where it can run the job.

    Where it cannot, one line of the log `chainrule` says why.

    Args:
        job: what is trained on what.
        rng: draws dropout's masks.
        engine: "native", "numpy" or "auto".
        threads: as many as the compiled engine may use; by default `CHAINRULE_THREADS`, or the
            cores as far as they pay.

    Raises:
        InputError: no `Job` or generator, an unknown name, "native" for a job that it cannot run
            (the reason is given), or `threads` that are no positive whole number.

    >>> import chainrule as cr
    >>> from chainrule.engine import Job
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> net, loss = cr.Network.from_spec("4-5-2"), cr.nn.SoftmaxCrossEntropy()
    >>> job = Job(net, loss, cr.optim.SGD(0.1), X, y, weights=None, batch_size=2)
    >>> choose_engine(job, np.random.default_rng(0), "numpy").name
    'numpy'
    """
    check_kind(job, Job, "job")
    check_kind(rng, np.random.Generator, "rng", "such as np.random.default_rng(0)")
    check_choice(engine, "engine", ("auto", "native", "numpy"))
    most = thread_count(threads)
    if engine == "numpy":
        return NumpyEngine(job, rng)
    reason = why_not_native(job)
    if reason is None:
        free = threads is None and not os.environ.get("CHAINRULE_THREADS")
        return NativeEngine(job, rng, threads=native_threads(job, most), adaptive=free)
    if engine == "native":
        raise InputError(f"engine='native' cannot run this: {reason}; use engine='numpy'")
    if kernels is not None:
        import logging  # seldom needed, slow to import

        logging.getLogger("chainrule").warning("training with the NumPy engine: %s", reason)
    return NumpyEngine(job, rng)
