"""darknet in numpy: every layer has .output and .delta; a layer's backward writes into the delta of
the layer below (net.delta), a shortcut adds into the delta of the layer far away as well"""
import numpy as np


class Net:
    def __init__(self, layers, learning_rate):
        self.layers = layers
        self.learning_rate = learning_rate
        self.input = self.delta = self.truth = None


class ConnectedLayer:
    def __init__(self, inputs, outputs, activation, rng):
        self.weights = rng.uniform(-1, 1, (outputs, inputs)) * np.sqrt(2. / inputs)
        self.biases = np.zeros(outputs)
        self.weight_updates = np.zeros_like(self.weights)
        self.bias_updates = np.zeros(outputs)
        self.activation = activation

    def forward(self, net):
        self.output = net.input @ self.weights.T + self.biases
        if self.activation == 'leaky':
            self.output = np.where(self.output > 0, self.output, 0.1 * self.output)
        self.delta = np.zeros_like(self.output)

    def backward(self, net):
        if self.activation == 'leaky':
            self.delta *= np.where(self.output > 0, 1.0, 0.1)
        self.bias_updates += self.delta.sum(axis=0)
        self.weight_updates += self.delta.T @ net.input
        if net.delta is not None:
            net.delta[...] = self.delta @ self.weights

    def update(self, net):
        batch = len(self.output)
        self.biases += net.learning_rate / batch * self.bias_updates
        self.weights += net.learning_rate / batch * self.weight_updates
        self.bias_updates[...] = 0
        self.weight_updates[...] = 0


class ShortcutLayer:
    def __init__(self, index):
        self.index = index

    def forward(self, net):
        self.output = net.input + net.layers[self.index].output
        self.delta = np.zeros_like(self.output)

    def backward(self, net):
        net.delta += self.delta
        net.layers[self.index].delta += self.delta

    def update(self, net):
        pass


class SoftmaxLayer:
    def forward(self, net):
        e = np.exp(net.input - net.input.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        self.delta = net.truth - self.output      # darknet: minus the gradient
        self.cost = -np.mean(np.log(np.sum(self.output * net.truth, axis=1)))

    def backward(self, net):
        net.delta += self.delta

    def update(self, net):
        pass


def forward_network(net, x, truth):
    net.input, net.truth = x, truth
    for l in net.layers:
        l.forward(net)
        net.input = l.output
    return net.layers[-1].cost


def backward_network(net, x):
    for i in reversed(range(len(net.layers))):
        if i == 0:
            net.input, net.delta = x, None
        else:
            net.input, net.delta = net.layers[i - 1].output, net.layers[i - 1].delta
        net.layers[i].backward(net)


rng = np.random.RandomState(13)
angle = rng.uniform(0, 2 * np.pi, 90)
klass = np.arange(90) % 3
x = (0.4 + 0.5 * klass)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.05 * rng.randn(90, 2)
truth = np.eye(3)[klass]

net = Net([ConnectedLayer(2, 10, 'leaky', rng),
           ConnectedLayer(10, 10, 'leaky', rng),
           ConnectedLayer(10, 10, 'linear', rng),
           ShortcutLayer(0),
           ConnectedLayer(10, 10, 'leaky', rng),
           ConnectedLayer(10, 3, 'linear', rng),
           SoftmaxLayer()], learning_rate=0.1)
for it in range(401):
    cost = forward_network(net, x, truth)
    backward_network(net, x)
    for l in net.layers:
        l.update(net)
    if it % 80 == 0:
        print('%d: %f avg, accuracy %.3f' % (it, cost, np.mean(net.layers[-1].output.argmax(axis=1) == klass)))
