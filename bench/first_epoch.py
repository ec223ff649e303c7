"""One epoch of the textbook run in a process that then ends.

The digits come from arrays on disk, or with "packaged" from the package's own compressed files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import data
from bench.peers import make
from bench.workloads import TEXTBOOK


def main(name: str, folder: str) -> None:
    if folder == "packaged":
        arrays = data.mnist(60_000)
        X, y = arrays["X_train"], arrays["y_train"]
    else:
        X, y = data.read(Path(folder), "train")
    peer = make(name, TEXTBOOK)
    peer.load(X, y)
    peer.start(TEXTBOOK.weights(0), 0)
    peer.train(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
