"""How one training step is executed: NumPy, the reference."""

from chainrule.engine.base import Engine, Job, Sums
from chainrule.engine.numpy_engine import NumpyEngine

__all__ = ["Engine", "Job", "NumpyEngine", "Sums"]
