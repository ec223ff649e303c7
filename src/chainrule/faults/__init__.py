"""The catalogue of classic mistakes in backpropagation, each one executable."""

# The order of the catalogue is that of these imports: the textbook's four mistakes come first.
# isort: off
import chainrule.faults.textbook
import chainrule.faults.scale
import chainrule.faults.activation
import chainrule.faults.biases
import chainrule.faults.loss
import chainrule.faults.noise
import chainrule.faults.products
import chainrule.faults.regulariser
import chainrule.faults.sign
import chainrule.faults.state
import chainrule.faults.training  # noqa: F401

# isort: on
from chainrule.faults.catalogue import FAULTS, Fault, applicable, inject
from chainrule.faults.demonstrate import Demonstration, demonstrate
from chainrule.faults.model import Model

__all__ = ["FAULTS", "Demonstration", "Fault", "Model", "applicable", "demonstrate", "inject"]
