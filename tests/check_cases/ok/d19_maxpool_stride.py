import numpy as np


class MaxPooling2D:
    def __init__(self, kernel_size, stride):
        self.kh, self.kw = kernel_size
        self.sh, self.sw = stride
        self.x = None

    def output_shape(self, shape):
        n, c, h, w = shape
        return n, c, (h - self.kh) // self.sh + 1, (w - self.kw) // self.sw + 1

    def forward(self, x):
        self.x = x
        n, c, oh, ow = self.output_shape(x.shape)
        out = np.zeros((n, c, oh, ow))
        self.indices = np.zeros((n, c, oh, ow), dtype=int)
        for i in range(oh):
            for j in range(ow):
                window = x[:, :, i * self.sh:i * self.sh + self.kh, j * self.sw:j * self.sw + self.kw]
                flat = window.reshape(n, c, -1)
                self.indices[:, :, i, j] = flat.argmax(axis=2)
                out[:, :, i, j] = flat.max(axis=2)
        return out

    def backward(self, dout):
        n, c, oh, ow = dout.shape
        dx = np.zeros(self.x.shape)
        for b in range(n):
            for k in range(c):
                for i in range(oh):
                    for j in range(ow):
                        p, q = divmod(self.indices[b, k, i, j], self.kw)
                        dx[b, k, i * self.sh + p, j * self.sw + q] += dout[b, k, i, j]
        return dx


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dout):
        return dout.reshape(self.shape)


class FullyConnected:
    def __init__(self, n_in, n_out):
        self.w = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, dout):
        self.dw = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.w.T


if __name__ == "__main__":
    np.random.seed(3)
    images = np.random.randn(4, 2, 7, 9)
    layers = [MaxPooling2D((3, 2), (2, 1)), Flatten(), FullyConnected(2 * 3 * 8, 5)]
    out = images
    for layer in layers:
        out = layer.forward(out)
    target = np.random.randn(*out.shape)
    print("loss", 0.5 * np.sum((out - target) ** 2))
    grad = out - target
    for layer in reversed(layers):
        grad = layer.backward(grad)
    print("gradient of the images", np.abs(grad).mean())
