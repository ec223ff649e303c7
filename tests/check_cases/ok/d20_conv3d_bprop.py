import numpy as np

# layouts: images (C, D, H, W, N), filters (C, T, R, S, K), outputs (K, M, P, Q, N)


def output_dim(X, S, padding, stride):
    return (X - S + 2 * padding) // stride + 1


def positions(I, F, E, padding, strides):
    """All pairs of an output and an input position that a filter joins."""
    _, D, H, W, _ = I.shape
    _, T, R, S, _ = F.shape
    _, M, P, Q, _ = E.shape
    for m in range(M):
        for p in range(P):
            for q in range(Q):
                for t in range(T):
                    for r in range(R):
                        for s in range(S):
                            d = m * strides[0] - padding[0] + t
                            h = p * strides[1] - padding[1] + r
                            w = q * strides[2] - padding[2] + s
                            if 0 <= d < D and 0 <= h < H and 0 <= w < W:
                                yield m, p, q, t, r, s, d, h, w


def fprop_conv(I, F, padding=(0, 0, 0), strides=(1, 1, 1)):
    dims = [output_dim(x, f, a, b) for x, f, a, b in zip(I.shape[1:4], F.shape[1:4], padding, strides)]
    O = np.zeros((F.shape[-1], *dims, I.shape[-1]))
    for m, p, q, t, r, s, d, h, w in positions(I, F, O, padding, strides):
        O[:, m, p, q, :] += np.dot(F[:, t, r, s, :].T, I[:, d, h, w, :])
    return O


def bprop_conv(F, E, I, padding=(0, 0, 0), strides=(1, 1, 1), alpha=1.0):
    """Gradient of the images; E is the gradient of the output."""
    grad_I = np.zeros_like(I)
    for m, p, q, t, r, s, d, h, w in positions(I, F, E, padding, strides):
        grad_I[:, d, h, w, :] += alpha * np.dot(F[:, t, r, s, :], E[:, m, p, q, :])
    return grad_I


def update_conv(I, E, F, padding=(0, 0, 0), strides=(1, 1, 1), alpha=1.0):
    """Gradient of the filters."""
    grad_F = np.zeros_like(F)
    for m, p, q, t, r, s, d, h, w in positions(I, F, E, padding, strides):
        grad_F[:, t, r, s, :] += alpha * np.dot(I[:, d, h, w, :], E[:, m, p, q, :].T)
    return grad_F
