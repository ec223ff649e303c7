"""What can be checked, and how each of it is looked at."""

from chainrule.check.targets.attributes import AttributesTarget
from chainrule.check.targets.chain import ChainTarget
from chainrule.check.targets.find import find_target
from chainrule.check.targets.functions import (
    FunctionTarget,
    ModelFunctionsTarget,
    OperationTarget,
)
from chainrule.check.targets.jax import JaxTarget
from chainrule.check.targets.layer import LayerTarget, LossTarget
from chainrule.check.targets.network import NetworkTarget
from chainrule.check.targets.torch import TorchTarget

__all__ = [
    "AttributesTarget",
    "ChainTarget",
    "FunctionTarget",
    "JaxTarget",
    "LayerTarget",
    "LossTarget",
    "ModelFunctionsTarget",
    "NetworkTarget",
    "OperationTarget",
    "TorchTarget",
    "find_target",
]
