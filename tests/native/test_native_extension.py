"""The extension: built where a compiler is, the same on every instruction set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from chainrule.native import instruction_set, kernels, why_missing
from chainrule.native.blas import find_blas


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler")
def test_it_was_built():
    assert kernels is not None, why_missing


@pytest.mark.skipif(kernels is None, reason="the compiled engine was not built")
def test_every_instruction_set_gives_the_same_to_rounding():
    code = (
        "import numpy as np, chainrule as cr\n"
        "rng = np.random.default_rng(0)\n"
        "X, y = rng.standard_normal((99, 70)), rng.integers(3, size=99)\n"
        "X *= rng.random(X.shape) < 0.3\n"
        "net = cr.Network.from_spec('70-33(gelu)-17(tanh)-3', dtype=np.float64)\n"
        "cr.fit(net, X, y, epochs=3, optimizer='adam(0.01)')\n"
        "print(cr.native.instruction_set(), *net.params.tolist())\n"
    )
    results = {}
    for name in kernels.instruction_sets():
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
            env={**os.environ, "CHAINRULE_SIMD": name},
        )  # fmt: skip
        used, *numbers = done.stdout.split()
        assert used == name
        results[name] = np.array(numbers, float)
    reference = results.pop("baseline")
    for params in results.values():
        np.testing.assert_allclose(params, reference, atol=1e-10)


def test_the_instruction_set_is_known():
    assert instruction_set() in ("none", "baseline", "avx2", "avx512")


def test_the_blas_of_numpy_multiplies():
    """What is found is called: through a network with products so large that BLAS gets them."""
    if kernels is None or not find_blas()[0]:
        pytest.skip("no BLAS that is known")
    import chainrule as cr

    net = cr.Network.from_spec("300-1000-7")
    X = np.random.default_rng(0).standard_normal((500, 300)).astype(np.float32)
    np.testing.assert_allclose(net(X), net.forward(X)[0], rtol=1e-3, atol=1e-4)
