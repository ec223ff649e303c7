"""One peer in a process of its own: reads seeds, a line each, and answers with JSON lines."""

from __future__ import annotations

import json
import resource
import sys
import time

from bench.peers import PEERS
from chainrule.data import mnist


def main(name: str, epochs: int) -> None:
    (X_train, y_train), (X_test, y_test) = mnist()
    for line in sys.stdin:
        start = time.perf_counter()
        predict = PEERS[name](X_train, y_train, int(line), epochs)
        seconds = time.perf_counter() - start
        accuracy = float((predict(X_test) == y_test).mean())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answer = {"seconds": seconds / epochs, "accuracy": accuracy, "peak_mb": peak}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
