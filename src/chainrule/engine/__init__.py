"""How training steps are executed: NumPy, the reference, or compiled code."""

from chainrule.engine.base import Engine, Job, Sums
from chainrule.engine.choose import choose_engine
from chainrule.engine.native_engine import NativeEngine
from chainrule.engine.numpy_engine import NumpyEngine

__all__ = ["Engine", "Job", "NativeEngine", "NumpyEngine", "Sums", "choose_engine"]
