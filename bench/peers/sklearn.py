"""scikit-learn's MLPClassifier: its own loop in `fit`, its extras switched off."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from bench.peers.base import BETA1, BETA2, EPSILON, Peer, Weights

# Each fit is meant to end after its epochs, converged or not.
warnings.simplefilter("ignore", ConvergenceWarning)


class ScikitLearn(Peer):
    def load(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def start(self, weights: Weights, seed: int) -> None:
        task = self.task
        self.model = MLPClassifier(
            hidden_layer_sizes=task.sizes[1:-1], activation=task.activation, solver=task.optimizer,
            learning_rate="constant", learning_rate_init=task.lr,
            alpha=0.0, momentum=0.0, nesterovs_momentum=False, beta_1=BETA1, beta_2=BETA2,
            epsilon=EPSILON, early_stopping=False, tol=0.0, n_iter_no_change=10**9,
            warm_start=True, random_state=seed,
        )  # fmt: skip
        # One step on one row a class makes it build itself; then it gets the weights of all.
        rows = np.unique(self.y, return_index=True)[1]
        self.model.partial_fit(self.X[rows], self.y[rows], classes=self.y[rows])
        self.model.set_params(batch_size=task.batch)
        self.model.coefs_ = [W.copy() for W, _ in weights]
        self.model.intercepts_ = [b.copy() for _, b in weights]

    def train(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs)
        self.model.fit(self.X, self.y)

    def as_input(self, X: Any) -> Any:
        return X

    def outputs(self, x: Any) -> np.ndarray:
        return self.model.predict_proba(x)
