"""skip-gram with hierarchical softmax, one pair of words at a time"""
import heapq
import numpy as np
from numpy import exp, dot, outer, log, array, zeros


def expit(x):
    return 1.0 / (1.0 + exp(-x))


class Vocab(object):
    def __init__(self, count, index=None, left=None, right=None):
        self.count, self.index, self.left, self.right = count, index, left, right
        self.point = self.code = None

    def __lt__(self, other):
        return self.count < other.count


class Word2Vec(object):
    def __init__(self, sentences, size=10, window=2, alpha=0.05, seed=1):
        self.layer1_size, self.window, self.alpha = size, window, alpha
        self.random = np.random.RandomState(seed)
        self.build_vocab(sentences)

    def build_vocab(self, sentences):
        self.vocab = {}
        for sentence in sentences:
            for word in sentence:
                if word in self.vocab:
                    self.vocab[word].count += 1
                else:
                    self.vocab[word] = Vocab(1, index=len(self.vocab))
        self.create_binary_tree()
        self.syn0 = (self.random.rand(len(self.vocab), self.layer1_size) - 0.5) / self.layer1_size
        self.syn1 = zeros((len(self.vocab), self.layer1_size))

    def create_binary_tree(self):
        heap = list(self.vocab.values())
        heapq.heapify(heap)
        for i in range(len(self.vocab) - 1):
            min1, min2 = heapq.heappop(heap), heapq.heappop(heap)
            heapq.heappush(heap, Vocab(min1.count + min2.count, i + len(self.vocab), min1, min2))
        stack = [(heap[0], [], [])]
        while stack:
            node, codes, points = stack.pop()
            if node.index < len(self.vocab):
                node.code, node.point = array(codes), array(points)   # leaf
            else:
                points = points + [node.index - len(self.vocab)]
                stack.append((node.left, codes + [0], points))
                stack.append((node.right, codes + [1], points))

    def train(self, sentences, epochs):
        for epoch in range(epochs):
            for sentence in sentences:
                for word, word2 in pairs(sentence, self.window):
                    train_sg_pair(self, self.vocab[word], self.vocab[word2], self.alpha)
            if epoch % 3 == 0:
                scores = [score_sg_pair(self, self.vocab[w], self.vocab[w2])
                          for s in sentences for w, w2 in pairs(s, self.window)]
                print("epoch %d: mean log probability %.4f" % (epoch, np.mean(scores)))


def pairs(sentence, window):
    for pos, word in enumerate(sentence):
        for pos2 in range(max(0, pos - window), min(len(sentence), pos + window + 1)):
            if pos2 != pos:
                yield word, sentence[pos2]


def train_sg_pair(model, word, word2, alpha):
    l1 = model.syn0[word2.index]
    l2a = model.syn1[word.point]               # copy, codelen x layer1_size
    sgn = -1.0 ** word.code                    # ch function, 0 -> 1, 1 -> -1
    ga = sgn * expit(-sgn * dot(l2a, l1)) * alpha
    neu1e = dot(ga, l2a)                       # save error
    model.syn1[word.point] += outer(ga, l1)    # learn hidden -> output
    model.syn0[word2.index] += neu1e           # learn input -> hidden


def score_sg_pair(model, word, word2):
    l1 = model.syn0[word2.index]
    l2a = model.syn1[word.point]
    sgn = 1.0 - 2.0 * word.code
    return -np.sum(log(1 + exp(-sgn * dot(l2a, l1))))


rng = np.random.RandomState(6)
topics = ["cat dog mouse tail fur paw".split(), "car road wheel engine fuel".split(),
          "bread milk cheese butter".split()]
sentences = []
for n in range(30):
    words = topics[n % 3]
    sentences.append([words[int(k)] for k in len(words) * rng.rand(6) ** 1.5])

model = Word2Vec(sentences)
model.train(sentences, 16)
