"""The compiled kernels, where they were built, and what they run on.

`kernels` is the extension module, None where the package was installed without a compiler, or
where `CHAINRULE_NATIVE=0` switches it off; `why_missing` says which.
"""

from chainrule.native.extension import instruction_set, kernels, why_missing
from chainrule.native.threads import core_count, thread_count

__all__ = ["core_count", "instruction_set", "kernels", "thread_count", "why_missing"]
