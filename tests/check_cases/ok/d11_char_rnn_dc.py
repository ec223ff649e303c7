import numpy as np

TEXT = "a long enough line of text, read over and over again until it is known by heart"


class Reader:
    """Cuts the text into pieces of `length` characters, each with the piece one further."""

    def __init__(self, text, length):
        self.alphabet = sorted(set(text))
        self.codes = [self.alphabet.index(ch) for ch in text]
        self.length = length
        self.start = 0

    def at_start(self):
        return self.start == 0

    def piece(self):
        stop = self.start + self.length
        now, following = self.codes[self.start:stop], self.codes[self.start + 1:stop + 1]
        self.start = 0 if stop + self.length + 1 >= len(self.codes) else stop
        return now, following


class CharRNN:
    def __init__(self, n_hidden, n_chars, rate):
        self.n_hidden, self.n_chars, self.rate = n_hidden, n_chars, rate

        def uniform(rows, cols):
            bound = cols ** -0.5
            return np.random.uniform(-bound, bound, (rows, cols))

        self.U = uniform(n_hidden, n_chars)   # character -> state
        self.W = uniform(n_hidden, n_hidden)  # state -> state
        self.V = uniform(n_chars, n_hidden)   # state -> scores
        self.b = np.zeros((n_hidden, 1))
        self.c = np.zeros((n_chars, 1))
        self.memory = [np.zeros_like(p) for p in self.weights()]

    def weights(self):
        return [self.U, self.W, self.V, self.b, self.c]

    def forward(self, codes, state):
        xs, states, probs = [], [state], []
        for code in codes:
            x = np.eye(self.n_chars)[:, [code]]
            state = np.tanh(self.U @ x + self.W @ state + self.b)
            scores = self.V @ state + self.c
            e = np.exp(scores - scores.max())
            xs.append(x)
            states.append(state)
            probs.append(e / e.sum())
        return xs, states, probs

    def loss(self, probs, targets):
        return -sum(np.log(p[t, 0]) for p, t in zip(probs, targets))

    def backward(self, xs, states, probs, targets):
        dU, dW, dV, db, dc = [np.zeros_like(p) for p in self.weights()]
        from_next = np.zeros_like(states[0])
        for t in range(len(xs) - 1, -1, -1):
            here, before = states[t + 1], states[t]
            dscore = probs[t].copy()
            dscore[targets[t]] -= 1
            dV += dscore @ here.T
            dc += dscore
            # the state goes to the output and to the next step
            dstate = self.V.T @ dscore + from_next
            dpre = dstate * (1 - here ** 2)
            dU += dpre @ xs[t].T
            dW += dpre @ before.T
            db += dpre
            from_next = self.W.T @ dpre
        return [np.clip(g, -5, 5) for g in (dU, dW, dV, db, dc)]

    def adagrad(self, grads):
        for p, g, m in zip(self.weights(), grads, self.memory):
            m += g ** 2
            p -= self.rate * g / np.sqrt(m + 1e-8)

    def train(self, reader, pieces):
        smooth = np.log(self.n_chars) * reader.length
        for n in range(pieces):
            if reader.at_start():
                state = np.zeros((self.n_hidden, 1))
            codes, targets = reader.piece()
            xs, states, probs = self.forward(codes, state)
            grads = self.backward(xs, states, probs, targets)
            smooth = 0.99 * smooth + 0.01 * self.loss(probs, targets)
            self.adagrad(grads)
            state = states[-1]
            if n % 100 == 0:
                print("piece %d loss %.4f" % (n, smooth))


np.random.seed(2)
reader = Reader(TEXT, 7)
CharRNN(9, len(reader.alphabet), 0.1).train(reader, 300)
