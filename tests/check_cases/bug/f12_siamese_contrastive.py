# Siamese net (shared weights) with Caffe's contrastive loss layer, legacy version:
#   loss = 1/(2N) sum  y d^2 + (1 - y) max(margin - d^2, 0)
import numpy as np


class ContrastiveLossLayer:
    def __init__(self, margin=1.0):
        self.margin = margin

    def Forward(self, a, b, y):
        self.diff = a - b
        self.dist_sq = np.sum(self.diff ** 2, axis=1)
        self.y = y
        loss = 0.0
        for i in range(len(y)):
            if y[i]:  # similar pairs
                loss += self.dist_sq[i]
            else:     # dissimilar pairs
                loss += max(self.margin - self.dist_sq[i], 0.0)
        return loss / len(y) / 2.0

    def Backward(self, top_diff=1.0):
        bottom_diff = []
        for k in range(2):
            sign = 1 if k == 0 else -1
            alpha = sign * top_diff / len(self.y)
            bout = np.zeros_like(self.diff)
            for j in range(len(self.y)):
                if self.y[j]:
                    bout[j] = alpha * self.diff[j]
                elif self.margin - self.dist_sq[j] > 0.0:
                    bout[j] = -alpha
                else:
                    bout[j] = 0.0
            bottom_diff.append(bout)
        return bottom_diff


class InnerProductLayer:
    def __init__(self, num_input, num_output, rng):
        self.blobs = [rng.randn(num_output, num_input) / np.sqrt(num_input), np.zeros(num_output)]
        self.diffs = [np.zeros_like(blob) for blob in self.blobs]

    def Forward(self, bottom):
        return np.dot(bottom, self.blobs[0].T) + self.blobs[1]

    def Backward(self, top_diff, bottom):
        self.diffs[0] += np.dot(top_diff.T, bottom)
        self.diffs[1] += top_diff.sum(axis=0)
        return np.dot(top_diff, self.blobs[0])


def forward_branch(x):
    h = np.tanh(ip1.Forward(x))
    return h, feat.Forward(h)


def backward_branch(x, h, feat_diff):
    h_diff = feat.Backward(feat_diff, h)
    ip1.Backward(h_diff * (1 - h ** 2), x)


rng = np.random.RandomState(11)
label = np.repeat([0, 1, 2], 20)
images = np.array([[1, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 1]])[label] + 0.4 * rng.randn(60, 5)

ip1 = InnerProductLayer(5, 8, rng)
feat = InnerProductLayer(8, 2, rng)
loss_layer = ContrastiveLossLayer(margin=1.0)
base_lr = 0.1

for it in range(301):
    left, right = rng.randint(60, size=32), rng.randint(60, size=32)
    sim = label[left] == label[right]
    h, f = forward_branch(images[left])
    h_p, f_p = forward_branch(images[right])
    loss = loss_layer.Forward(f, f_p, sim)

    for layer in (ip1, feat):
        for d in layer.diffs:
            d[...] = 0
    f_diff, f_p_diff = loss_layer.Backward()
    backward_branch(images[left], h, f_diff)
    backward_branch(images[right], h_p, f_p_diff)
    for layer in (ip1, feat):
        for blob, d in zip(layer.blobs, layer.diffs):
            blob -= base_lr * d
    if it % 50 == 0:
        print("Iteration %d, loss = %g" % (it, loss))
