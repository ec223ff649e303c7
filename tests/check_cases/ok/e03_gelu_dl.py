import numpy as np

np.random.seed(17)


# ---------- activations, derivative(X, dL) gives the gradient below ----------

def sigmoid(X):
    return 1 / (1 + np.exp(-X))


def sigmoid_derivative(X, dL):
    return dL * sigmoid(X) * (1 - sigmoid(X))


def relu(X):
    return np.maximum(0, X)


def relu_derivative(X, dL):
    return dL * np.where(X > 0, 1, 0)


def softmax(X):
    exp_X = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return exp_X / np.sum(exp_X, axis=-1, keepdims=True)


def softmax_derivative(X, dL):
    S = softmax(X)
    inner = np.sum(S * dL, axis=-1, keepdims=True)
    return S * (dL - inner)


def gelu(X):
    return 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X ** 3)))


def gelu_derivative(X, dL):
    T = np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X ** 3))
    return dL * (0.5 * (1 + T) +
                 0.5 * X * (1 - T ** 2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * X ** 2))


ACTIVATIONS = {
    "sigmoid": (sigmoid, sigmoid_derivative),
    "relu": (relu, relu_derivative),
    "softmax": (softmax, softmax_derivative),
    "gelu": (gelu, gelu_derivative),
}


# ---------- loss ----------

def cross_entropy_loss(y_true, y_pred):
    y_pred = np.clip(y_pred, 1e-8, 1 - 1e-8)
    return -np.sum(y_true * np.log(y_pred)) / y_true.shape[0]


def cross_entropy_derivative(y_true, y_pred):
    y_pred = np.clip(y_pred, 1e-8, 1 - 1e-8)
    return -y_true / y_pred / y_true.shape[0]


class Linear:
    def __init__(self, in_dim, out_dim, activation):
        self.W = np.random.randn(in_dim, out_dim) * np.sqrt(1 / in_dim)
        self.b = np.zeros((1, out_dim))
        self.act, self.act_derivative = ACTIVATIONS[activation]

    def forward(self, X):
        self.X = X
        self.Z = X @ self.W + self.b
        return self.act(self.Z)

    def backward(self, dL, lr):
        dZ = self.act_derivative(self.Z, dL)
        dX = dZ @ self.W.T
        self.dW = self.X.T @ dZ
        self.db = np.sum(dZ, axis=0, keepdims=True)
        self.W -= lr * self.dW
        self.b -= lr * self.db
        return dX


class MLP:
    def __init__(self, dims, activations):
        self.layers = [Linear(i, o, a) for i, o, a in zip(dims[:-1], dims[1:], activations)]

    def forward(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def backward(self, dL, lr):
        for layer in reversed(self.layers):
            dL = layer.backward(dL, lr)


# three spirals
n = 30
angle = np.linspace(0, 3, n)
X = np.concatenate([np.stack([angle / 3 * np.cos(angle + k * 2.1), angle / 3 * np.sin(angle + k * 2.1)], axis=1)
                    for k in range(3)])
X += 0.03 * np.random.randn(*X.shape)
Y = np.eye(3)[np.repeat(np.arange(3), n)]

net = MLP([2, 16, 12, 3], ["gelu", "gelu", "softmax"])
for epoch in range(200):
    out = net.forward(X)
    if epoch % 40 == 0:
        acc = np.mean(out.argmax(axis=1) == Y.argmax(axis=1))
        print(f"epoch {epoch} loss {cross_entropy_loss(Y, out):.4f} acc {acc:.2f}")
    net.backward(cross_entropy_derivative(Y, out), lr=0.1)
