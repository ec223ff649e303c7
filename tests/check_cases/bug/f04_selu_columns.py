# Small port of the C++ layers: Forward(input) / Backward(gy) / Gradient(...), one example a column
import numpy as np


class SELU:
    def __init__(self):
        self.alpha = 1.6732632423543774
        self.lambda_ = 1.0507009873554802

    def Fn(self, x):
        return np.where(x > 0, self.lambda_ * x, self.lambda_ * self.alpha * (np.exp(np.minimum(x, 0)) - 1))

    def Deriv(self, y):
        """first derivative, y is the activation Fn(x)"""
        return np.where(y > 0, self.lambda_, self.lambda_ * (y + self.alpha))

    def Forward(self, x):
        self.output = self.Fn(x)
        return self.output

    def Backward(self, gy):
        return gy * self.Deriv(self.output)


class Linear:
    def __init__(self, inSize, outSize, rng):
        self.weight = rng.randn(outSize, inSize) / np.sqrt(inSize)
        self.bias = np.zeros((outSize, 1))

    def Forward(self, x):
        self.input = x
        return self.weight.dot(x) + self.bias

    def Backward(self, gy):
        self.error = gy
        return self.weight.T.dot(gy)

    def Gradient(self):
        return self.error.dot(self.input.T), self.error.sum(axis=1, keepdims=True)


class MeanSquaredError:
    def Forward(self, x, target):
        return np.sum((x - target) ** 2) / x.shape[1]

    def Backward(self, x, target):
        return 2 * (x - target) / x.shape[1]


class FFN:
    def __init__(self, sizes, seed=3):
        rng = np.random.RandomState(seed)
        self.network = []
        for i in range(len(sizes) - 1):
            self.network.append(Linear(sizes[i], sizes[i + 1], rng))
            if i < len(sizes) - 2:
                self.network.append(SELU())
        self.outputLayer = MeanSquaredError()

    def Forward(self, x):
        for layer in self.network:
            x = layer.Forward(x)
        return x

    def Evaluate(self, predictors, responses):
        return self.outputLayer.Forward(self.Forward(predictors), responses)

    def Train(self, predictors, responses, stepSize, maxIterations):
        for i in range(maxIterations):
            output = self.Forward(predictors)
            error = self.outputLayer.Backward(output, responses)
            for layer in reversed(self.network):
                error = layer.Backward(error)
            for layer in self.network:
                if isinstance(layer, Linear):
                    dWeight, dBias = layer.Gradient()
                    layer.weight -= stepSize * dWeight
                    layer.bias -= stepSize * dBias
            if i % 100 == 0:
                print(i, self.Evaluate(predictors, responses))


rng = np.random.RandomState(8)
predictors = rng.uniform(-2, 2, (2, 80))
responses = np.vstack([np.sin(predictors[0]) * predictors[1], np.abs(predictors[0]) - 1])
responses += 0.02 * rng.randn(2, 80)

model = FFN([2, 12, 8, 2])
model.Train(predictors, responses, 0.03, 501)
