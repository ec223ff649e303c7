import math
import random

import numpy as np

# GloVe in the manner of the C program: everything in one flat array, record after record.
# A record is a vector and its bias; first the words as centre, then the words as context.
DIM = 5
RECORD = DIM + 1
RATE = 0.05
POWER = 0.75
CAP = 10.0

random.seed(0)
N_WORDS = 8
text = [random.choice([w, (w * 3 + 1) % N_WORDS]) for w in range(N_WORDS) for _ in range(30)]
random.shuffle(text)

near = {}
for i, w in enumerate(text):
    for j in range(max(0, i - 3), i):
        near[w, text[j]] = near.get((w, text[j]), 0.0) + 1.0 / (i - j)
pairs = [(a, b, x) for (a, b), x in near.items()]

W = np.array([(random.random() - 0.5) / DIM for _ in range(2 * N_WORDS * RECORD)])
squares = np.ones(len(W))


def one_pair(a, b, x):
    c = a * RECORD
    d = (b + N_WORDS) * RECORD
    gap = W[c + DIM] + W[d + DIM] - math.log(x)
    for k in range(DIM):
        gap += W[c + k] * W[d + k]
    pull = gap * min(1.0, (x / CAP) ** POWER)

    move_c, move_d = [], []
    for k in range(DIM):
        # are c and d not swapped here?
        g_c = pull * W[d + k]
        g_d = pull * W[c + k]
        move_c.append(RATE * g_c / math.sqrt(squares[c + k]))
        move_d.append(RATE * g_d / math.sqrt(squares[d + k]))
        squares[c + k] += g_c ** 2
        squares[d + k] += g_d ** 2
    for k in range(DIM):
        W[c + k] -= move_c[k]
        W[d + k] -= move_d[k]

    # and the two biases
    for bias in (c + DIM, d + DIM):
        W[bias] -= RATE * pull / math.sqrt(squares[bias])
        squares[bias] += pull ** 2
    return 0.5 * pull * gap


for it in range(10):
    random.shuffle(pairs)
    cost = 0.0
    for a, b, x in pairs:
        cost += one_pair(a, b, x)
    print("iter %02d cost %f" % (it + 1, cost / len(pairs)))
