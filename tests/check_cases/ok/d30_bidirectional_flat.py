import numpy as np
from scipy.optimize import fmin_l_bfgs_b


class BRNN:
    """Two tanh RNNs, one forward and one backward in time, their states joined for a linear output at each step.

    All parameters live in one vector.
    """

    def __init__(self, n_in, n_hidden, n_out):
        self.n_in, self.n_hidden, self.n_out = n_in, n_hidden, n_out
        self.shapes = [("Wf", (n_hidden, n_in)), ("Uf", (n_hidden, n_hidden)), ("bf", (n_hidden,)),
                       ("Wb", (n_hidden, n_in)), ("Ub", (n_hidden, n_hidden)), ("bb", (n_hidden,)),
                       ("V", (n_out, 2 * n_hidden)), ("c", (n_out,))]
        self.size = sum(int(np.prod(s)) for _, s in self.shapes)

    def unpack(self, vector):
        out, i = {}, 0
        for name, shape in self.shapes:
            n = int(np.prod(shape))
            out[name] = vector[i:i + n].reshape(shape)
            i += n
        return out

    def run(self, W, U, b, xs):
        h, states = np.zeros(self.n_hidden), []
        for x in xs:
            h = np.tanh(W @ x + U @ h + b)
            states.append(h)
        return states

    def predict(self, parameters, xs):
        p = self.unpack(parameters)
        hf = self.run(p["Wf"], p["Uf"], p["bf"], xs)
        hb = self.run(p["Wb"], p["Ub"], p["bb"], xs[::-1])[::-1]
        return hf, hb, [p["V"] @ np.concatenate([a, b]) + p["c"] for a, b in zip(hf, hb)]

    def direction(self, suffix, p, states, deltas, xs, gradient):
        """Back through time for one direction; adds to the vector `gradient`."""
        g = self.unpack(gradient)
        carry = np.zeros(self.n_hidden)
        for t in reversed(range(len(xs))):
            dz = (deltas[t] + carry) * (1 - states[t] ** 2)
            previous = states[t - 1] if t > 0 else np.zeros(self.n_hidden)
            g["W" + suffix] += np.outer(dz, xs[t])
            g["U" + suffix] += np.outer(dz, previous)
            g["b" + suffix] += dz
            carry = p["U" + suffix].T @ dz

    def evaluate_with_gradient(self, parameters, sequences, targets):
        p = self.unpack(parameters)
        loss = 0.0
        total_gradient = np.zeros(self.size)
        for xs, ys in zip(sequences, targets):
            hf, hb, outputs = self.predict(parameters, xs)
            forward_gradient, backward_gradient = np.zeros(self.size), np.zeros(self.size)
            merge = self.unpack(forward_gradient)
            all_delta = []
            for t, (out, y) in enumerate(zip(outputs, ys)):
                loss += 0.5 * np.sum((out - y) ** 2)
                dout = out - y
                merge["V"] += np.outer(dout, np.concatenate([hf[t], hb[t]]))
                merge["c"] += dout
                all_delta.append(p["V"].T @ dout)

            self.direction("f", p, hf, [d[:self.n_hidden] for d in all_delta], xs, forward_gradient)
            total_gradient += forward_gradient
            self.direction("b", p, hb[::-1], [d[self.n_hidden:] for d in all_delta[::-1]], xs[::-1], backward_gradient)
            total_gradient += backward_gradient
        return loss, total_gradient


if __name__ == "__main__":
    rng = np.random.default_rng(6)
    sequences = [rng.normal(size=(int(n), 2)) for n in rng.integers(5, 9, size=10)]
    # target: the running sum from the left and the next value
    targets = [np.stack([np.cumsum(s[:, 0]), np.append(s[1:, 1], 0), s[:, 0] * s[:, 1]], axis=1) for s in sequences]
    net = BRNN(2, 4, 3)
    theta = 0.3 * rng.normal(size=net.size)
    theta, loss, info = fmin_l_bfgs_b(net.evaluate_with_gradient, theta, args=(sequences, targets), maxiter=15)
    print("loss", loss, info["task"])
