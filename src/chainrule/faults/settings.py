"""What the faults are demonstrated on, where the textbook's 784-128-10 will not do."""

from __future__ import annotations

from chainrule.faults.catalogue import Setting

__all__ = [
    "BATCH_NORM",
    "BINARY",
    "DROPOUT",
    "EQUAL",
    "GELU_NET",
    "HUBER",
    "LEAKY",
    "MAE_NET",
    "MSE_NET",
    "ONE_OUTPUT",
    "PENALTY",
    "SHARED",
    "SIGMOID",
    "SQUARE",
    "TANH",
    "TEXTBOOK",
    "THREE",
]

TEXTBOOK = Setting()
TANH = Setting("784-128(tanh)-10")
SIGMOID = Setting("784-128(sigmoid)-10")
LEAKY = Setting("784-128(leaky_relu(0.3))-10")
GELU_NET = Setting("784-128(gelu)-10")
THREE = Setting("784-64-64-10")
SQUARE = Setting("784-64(tanh)-64(tanh)-10")
EQUAL = Setting("784-64(tanh)-64(tanh)-64(tanh)-10")
BINARY = Setting(loss="binary_cross_entropy")
MSE_NET = Setting(loss="mse")
MAE_NET = Setting(loss="mae")
HUBER = Setting(loss="huber(0.1)")
ONE_OUTPUT = Setting("784-128-1", "mse")
PENALTY = Setting(options={"l2": 0.01})
DROPOUT = Setting("784-128-dropout(0.5)-10", options={"training": True})
BATCH_NORM = Setting(options={"batch_norm": True})
SHARED = Setting(EQUAL.spec, options={"tied": True})
