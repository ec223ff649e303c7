import numpy as np


def logsumexp(a, axis=None):
    m = np.max(a, axis=axis, keepdims=True)
    s = np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)) + m
    return np.squeeze(s, axis=axis) if axis is not None else s.item()


class CRF:
    """linear chain CRF on top of linear emissions, log domain, one sequence at a time"""

    def __init__(self, num_features, num_tags, seed=0):
        rng = np.random.RandomState(seed)
        self.num_tags = num_tags
        self.params = {
            'W': rng.uniform(-0.1, 0.1, (num_features, num_tags)),
            'transitions': rng.uniform(-0.1, 0.1, (num_tags, num_tags)),
            'start_transitions': rng.uniform(-0.1, 0.1, num_tags),
            'end_transitions': rng.uniform(-0.1, 0.1, num_tags),
        }

    def forward_algorithm(self, emissions):
        p = self.params
        log_proba = [p['start_transitions'] + emissions[0]]
        for t in range(1, len(emissions)):
            log_proba.append(logsumexp(log_proba[-1][:, None] + p['transitions'], axis=0) + emissions[t])
        return np.array(log_proba), logsumexp(log_proba[-1] + p['end_transitions'])

    def backward_algorithm(self, emissions):
        p = self.params
        log_proba = [p['end_transitions']]
        for t in range(len(emissions) - 1, 0, -1):
            log_proba.insert(0, logsumexp(p['transitions'] + emissions[t] + log_proba[0], axis=1))
        return np.array(log_proba)

    def path_score(self, emissions, tags):
        p = self.params
        score = p['start_transitions'][tags[0]] + emissions[0, tags[0]]
        for t in range(1, len(tags)):
            score += p['transitions'][tags[t - 1], tags[t]] + emissions[t, tags[t]]
        return score + p['end_transitions'][tags[-1]]

    def neg_log_likelihood(self, x, tags):
        emissions = x @ self.params['W']
        _, log_Z = self.forward_algorithm(emissions)
        return log_Z - self.path_score(emissions, tags)

    def gradients(self, x, tags):
        """expected counts minus counts on the gold path"""
        p = self.params
        emissions = x @ p['W']
        alpha, log_Z = self.forward_algorithm(emissions)
        beta = self.backward_algorithm(emissions)

        marginals = np.exp(alpha + beta - log_Z)
        d_trans = np.zeros_like(p['transitions'])
        for t in range(1, len(tags)):
            d_trans += np.exp(alpha[t - 1][:, None] + p['transitions'] + emissions[t] + beta[t] - log_Z)
            d_trans[tags[t - 1], tags[t]] -= 1
        d_emissions = marginals.copy()
        d_emissions[np.arange(len(tags)), tags] -= 1
        return {'W': x.T @ d_emissions, 'transitions': d_trans,
                'start_transitions': d_emissions[0], 'end_transitions': d_emissions[-1]}

    def viterbi(self, x):
        p = self.params
        emissions = x @ p['W']
        score, back = p['start_transitions'] + emissions[0], []
        for t in range(1, len(emissions)):
            total = score[:, None] + p['transitions']
            back.append(total.argmax(axis=0))
            score = total.max(axis=0) + emissions[t]
        tags = [int((score + p['end_transitions']).argmax())]
        for b in reversed(back):
            tags.insert(0, int(b[tags[0]]))
        return tags


# weather like chain: the tag stays, observations are noisy
rng = np.random.RandomState(9)
sequences = []
for _ in range(25):
    tags = [rng.randint(3)]
    while len(tags) < 7:
        tags.append(tags[-1] if rng.rand() < 0.7 else (tags[-1] + 1) % 3)
    x = np.hstack([np.eye(3)[tags] + 0.7 * rng.randn(7, 3), np.ones((7, 1))])
    sequences.append((x, np.array(tags)))

crf = CRF(4, 3)
for epoch in range(21):
    total = 0.0
    for x, tags in sequences:
        total += crf.neg_log_likelihood(x, tags)
        grads = crf.gradients(x, tags)
        for name in grads:
            crf.params[name] = crf.params[name] - 0.05 * grads[name]
    if epoch % 4 == 0:
        acc = np.mean([np.mean(np.array(crf.viterbi(x)) == tags) for x, tags in sequences])
        print('epoch %d nll %.4f accuracy %.3f' % (epoch, total / len(sequences), acc))
