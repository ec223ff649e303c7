"""conv2d, conv2d_gradw, conv2d_gradx ('SAME' padding, stride 1) and a two layer net on wide images"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def calc_pad(in_siz, out_siz, stride, ksize):
    return (out_siz - 1) * stride + ksize - in_siz


def extract_sliding_windows(x, ksize, pad, out_size):
    """x: [N, H, W, C] -> [N, H', W', KH, KW, C]"""
    ph, pw = pad
    x = np.pad(x, ((0, 0), (ph // 2, ph - ph // 2), (pw // 2, pw - pw // 2), (0, 0)), mode='constant')
    y = sliding_window_view(x, ksize, axis=(1, 2))
    y = y[:, :out_size[0], :out_size[1]]
    return y.transpose(0, 1, 2, 4, 5, 3)


def same_pad(xs, ksize):
    return (calc_pad(xs[0], xs[0], 1, ksize[0]), calc_pad(xs[1], xs[1], 1, ksize[1]))


def conv2d(x, w):
    """x: [N, H, W, C], w: [I, J, C, K] -> y: [N, H, W, K]"""
    xs, ksize = x.shape[1:3], w.shape[:2]
    x = extract_sliding_windows(x, ksize, same_pad(xs, ksize), xs)
    return np.tensordot(x, w, axes=([3, 4, 5], [0, 1, 2]))


def conv2d_gradw(x, dy, ksize):
    """gradient wrt. filters"""
    xs = x.shape[1:3]
    x = extract_sliding_windows(x, ksize, same_pad(xs, ksize), xs)
    return np.tensordot(x, dy, axes=([0, 1, 2], [0, 1, 2]))


def conv2d_gradx(w, dy, xsize):
    """gradient wrt. input, xsize: original image size [H, W]"""
    ksize = w.shape[:2]
    dys = dy.shape[1:3]
    pad2h = calc_pad(dys[0], xsize[0], 1, ksize[0])
    pad2w = calc_pad(dys[0], xsize[1], 1, ksize[1])
    dx = extract_sliding_windows(dy, ksize, (pad2h, pad2w), xsize)
    w = np.transpose(w, [0, 1, 3, 2])[::-1, ::-1]
    return np.tensordot(dx, w, axes=([3, 4, 5], [0, 1, 2]))


def forward(x):
    h1 = np.maximum(conv2d(x, w1) + b1, 0)
    h2 = np.maximum(conv2d(h1, w2) + b2, 0)
    feat = h2.mean(axis=(1, 2))
    return h1, h2, feat, feat.dot(w3) + b3


# 4 x 8 images with a short bar, which way does it lie?
rng = np.random.RandomState(4)
N, H, W = 48, 4, 8
images = 0.1 * rng.randn(N, H, W, 1)
labels = np.arange(N) % 3
for n in range(N):
    i, j = rng.randint(0, H - 2), rng.randint(0, W - 2)
    for s in range(3):
        di, dj = [(0, s), (s, 0), (s, s)][labels[n]]
        images[n, i + di, j + dj, 0] += 1.0

w1 = 0.4 * rng.randn(3, 3, 1, 4)
b1 = np.zeros(4)
w2 = 0.3 * rng.randn(3, 3, 4, 5)
b2 = np.zeros(5)
w3 = 0.5 * rng.randn(5, 3)
b3 = np.zeros(3)
learning_rate = 0.5

for step in range(201):
    h1, h2, feat, score = forward(images)
    prob = np.exp(score - score.max(axis=1, keepdims=True))
    prob /= prob.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(prob[np.arange(N), labels]))

    dscore = prob.copy()
    dscore[np.arange(N), labels] -= 1
    dscore /= N
    dw3, db3 = feat.T.dot(dscore), dscore.sum(axis=0)
    dh2 = dscore.dot(w3.T)[:, None, None, :] / (H * W) * (h2 > 0)
    dw2, db2 = conv2d_gradw(h1, dh2, w2.shape[:2]), dh2.sum(axis=(0, 1, 2))
    dh1 = conv2d_gradx(w2, dh2, (H, W)) * (h1 > 0)
    dw1, db1 = conv2d_gradw(images, dh1, w1.shape[:2]), dh1.sum(axis=(0, 1, 2))

    for p, dp in zip([w1, b1, w2, b2, w3, b3], [dw1, db1, dw2, db2, dw3, db3]):
        p -= learning_rate * dp
    if step % 40 == 0:
        print('step', step, 'loss', loss, 'acc', np.mean(score.argmax(axis=1) == labels))
