"""Names as people give them: of losses, targets, learning rates, and of gradients."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

__all__ = [
    "WEAK",
    "base_name",
    "gradient_of",
    "holds_gradient",
    "is_backward",
    "is_error",
    "is_loss",
    "is_maximised",
    "is_momentum",
    "is_rate",
    "is_surely_rate",
    "is_target",
    "loss_rank",
    "plain_name",
    "short_names",
    "unique_names",
]

_LOSS = re.compile(
    r"(total_?|train_?|avg_?|mean_?|batch_?|epoch_?|data_?|reg_?|running_?|sum_?|curr_?|current_?)*"
    r"(loss(es)?|costs?|errors?|errs?|mse|sse|rmse|nll|bce|objective|energy|cross_?entropy|ce|j|l|e)"
    r"(_?(val|value|total|sum|mean|fn|func|fun|function|naive|step|t|i|n|all|history|list|s))*"
)
_LOSS_INSIDE = re.compile(r"loss|cost|error|chi_?(2|sq)|cross_?entropy|mse|nll")
_STRONG = ("loss", "cost", "objective", "cross_entropy", "crossentropy", "nll", "mse", "bce")
_OTHER = ("reg", "data", "old", "prev", "val", "test", "dev", "eval", "best")  # or of other data
WEAK = 3
"""The rank of a name that means many things, such as `e`."""
_TARGET = re.compile(
    r"(y|t|ys|target|label|truth|expected|desired|onehot|one_hot|d)(_?(s|y|true|train|batch|b|i|"
    r"onehot|one_hot|hot|data|values?|vector|output|array|list|enc|oh|t))*"
)
_RATE = re.compile(
    r"(lr|alpha|eta|learn(ing)?_?rate|rate|step_?size|epsilon|gamma|l_?rate|nu|mu|a)"
)
_GRADIENT = re.compile(
    r"^(grads?_?wrt_?|gradients?_?|grads?_?|nabla_?|delta_?nabla_?|delta_?|d_?l_?d_?|d_?j_?d_?|"
    r"d_?e_?d_?|d_?c_?d_?|dloss_?d?_?|dcost_?d?_?|derr(or)?_?d?_?|partial_?|d_|d|g_|g|acc_|sum_)"
)
_GRADIENT_END = re.compile(
    r"(_?grad(ient)?s?|_?delta|_?deriv(ative)?s?|_?bar|_?d|_?update|_?der|_?slopes?)$"
)


@functools.lru_cache(maxsize=4096)
def base_name(name: str) -> str:
    """The last word of a name: `W1` of `self.params['W1']`, `weights[0]` of `self.weights[0]`."""
    if name.endswith("]") and "'" not in name and "." not in name.split("[")[0]:
        return name
    quoted = re.findall(r"\['([^']*)'\]", name)
    if quoted:
        return quoted[-1]
    return re.split(r"[.\s]", name)[-1]


@functools.lru_cache(maxsize=4096)
def is_loss(name: str) -> bool:
    """Whether a loss may be called so."""
    word = base_name(name).lower().removesuffix("[]")
    return bool(_LOSS.fullmatch(word) or _LOSS_INSIDE.search(word))


def is_error(name: str) -> bool:
    """Whether a difference of an output and its target may be called so."""
    return bool(re.fullmatch(r"\w*(err|errors?)\d*|e\d*", base_name(name).lower()))


def loss_rank(name: str) -> int:
    """The smaller, the surer it is that this names the loss that is minimised."""
    word = base_name(name).lower()
    if any(part in word for part in _STRONG):
        return 1 if any(part in word for part in _OTHER) else 0
    return 2 if len(word) > 1 else WEAK


@functools.lru_cache(maxsize=4096)
def is_target(name: str) -> bool:
    """Whether the right answers may be called so."""
    return bool(_TARGET.fullmatch(base_name(name).lower()))


def is_rate(name: str) -> bool:
    """Whether a learning rate may be called so."""
    return bool(_RATE.fullmatch(base_name(name).lower().strip("_")))


def is_maximised(name: str) -> bool:
    """Whether a number that is made large, not small, may be called so."""
    word = base_name(name).lower()
    return any(part in word for part in ("objective", "likelihood", "reward", "elbo", "utility"))


def is_momentum(name: str) -> bool:
    """Whether the share of the last step that an optimiser keeps may be called so."""
    return plain_name(name) in ("momentum", "beta", "beta1", "b1", "rho", "mu", "decay", "m")


def is_surely_rate(name: str) -> bool:
    """Whether hardly anything but a learning rate is called so."""
    words = (
        "lr",
        "alpha",
        "eta",
        "learningrate",
        "rate",
        "stepsize",
        "lrate",
        "learnrate",
        "stepwidth",
        "step",
        "iteration",
        "epoch",
    )
    return plain_name(name) in words


@functools.lru_cache(maxsize=4096)
def gradient_of(name: str) -> frozenset[str]:
    """What a name may be the gradient of, in small letters without underscores; empty if the name
    is not one of a gradient: `dW1` and `grad_w1` give `{"w1"}`."""
    word = base_name(name)
    found = set()
    end = _GRADIENT_END.search(word)
    if end and end.start() > 0:
        found.add(_plain(word[: end.start()]))
    match = _GRADIENT.match(word.lower())
    while match and match.end() < len(word):
        found.add(_plain(word[match.end() :]))
        shorter = _GRADIENT.match(word.lower()[match.end() :])
        if not shorter or match.end() + shorter.end() >= len(word):
            break
        word = word[match.end() :]
        match = shorter
    return frozenset(f for f in found if f)


@functools.lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """The last word in small letters, without underscores, and without an index that varies: `h`
    of `h[t]`, but `weights[0]` as it is."""
    return _plain(re.sub(r"\[(?!\d+\]$)[^\]]*\]$", "", base_name(name)))


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, those that come again with a number."""
    return [
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def holds_gradient(name: str) -> bool:
    """Whether it is an attribute in which an object keeps its own gradient: `self.grad`."""
    return bool(re.fullmatch(r"\w+\.(_?grad(ient)?|_?g|d)", name))


def short_names(names: Sequence[str]) -> list[str]:
    """The last word of each name, where that is no other's: `W1` for `parameters['W1']`."""
    words = [base_name(name) for name in names]
    return [
        word if words.count(word) == 1 and not name.startswith("self.data") else name
        for name, word in zip(names, words, strict=True)
    ]


def is_backward(name: str) -> bool:
    """Whether a function may be called so that takes the gradient of its output."""
    return any(part in name.lower() for part in ("back", "grad", "bprop", "bwd", "deriv", "delta"))


def _plain(word: str) -> str:
    return word.lower().replace("_", "")
