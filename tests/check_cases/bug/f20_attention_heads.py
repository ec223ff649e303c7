import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def ScaledDotProductAttention(Q, K, V, scale):
    attnW = softmax(Q @ K.T * scale)
    return attnW @ V, attnW


def ScaledDotProductAttentionBackward(dOut, Q, K, V, attnW, scale):
    dV = attnW.T @ dOut
    dAttnW = dOut @ V.T
    dScores = attnW * (dAttnW - np.sum(attnW * dAttnW, axis=-1, keepdims=True))
    dQ = dScores.T @ K * scale
    dK = dScores @ Q * scale
    return dQ, dK, dV


class MultiHeadAttentionLayer:
    def __init__(self, seqLength, embedDim, headCount, rng):
        self.headCount = headCount
        self.headDim = embedDim // headCount
        init = lambda: rng.normal(0, 1 / np.sqrt(embedDim), (embedDim, embedDim))
        self.queryWeights, self.keyWeights = init(), init()
        self.valueWeights, self.outputWeights = init(), init()
        self.outputBias = np.zeros(embedDim)

    def Forward(self, x):
        self.lastInput = x
        q, k, v = x @ self.queryWeights, x @ self.keyWeights, x @ self.valueWeights
        self.heads = []
        context = np.zeros_like(q)
        for h in range(self.headCount):
            cols = slice(h * self.headDim, (h + 1) * self.headDim)
            context[:, cols], attnW = ScaledDotProductAttention(
                q[:, cols], k[:, cols], v[:, cols], 1 / np.sqrt(self.headDim))
            self.heads.append((cols, q[:, cols], k[:, cols], v[:, cols], attnW))
        self.lastContext = context
        return context @ self.outputWeights + self.outputBias

    def Backward(self, outputGradient):
        self.outputBiasGradient = outputGradient.sum(axis=0)
        self.outputWeightsGradient = self.lastContext.T @ outputGradient
        dContext = outputGradient @ self.outputWeights.T
        dq, dk, dv = (np.zeros_like(dContext) for _ in range(3))
        for cols, Q, K, V, attnW in self.heads:
            dq[:, cols], dk[:, cols], dv[:, cols] = ScaledDotProductAttentionBackward(
                dContext[:, cols], Q, K, V, attnW, 1 / np.sqrt(self.headDim))
        x = self.lastInput
        self.queryWeightsGradient = x.T @ dq
        self.keyWeightsGradient = x.T @ dk
        self.valueWeightsGradient = x.T @ dv
        return dq @ self.queryWeights.T + dk @ self.keyWeights.T + dv @ self.valueWeights.T

    def UpdateParameters(self, learningRate):
        for name in ['queryWeights', 'keyWeights', 'valueWeights', 'outputWeights', 'outputBias']:
            setattr(self, name, getattr(self, name) - learningRate * getattr(self, name + 'Gradient'))


# every position holds a one-hot key and a number; asked for: the number of the position with the next key
rng = np.random.default_rng(2)
seqLength, embedDim = 5, 8


def MakeSequence():
    order = rng.permutation(seqLength)
    value = rng.uniform(-1, 1, seqLength)
    x = np.zeros((seqLength, embedDim))
    x[np.arange(seqLength), order] = 1
    x[:, 5] = value
    x[:, 6] = 1
    target = np.array([value[np.where(order == (o + 1) % seqLength)[0][0]] for o in order])
    return x, target


layer = MultiHeadAttentionLayer(seqLength, embedDim, 2, rng)
running = None
for iteration in range(1501):
    x, target = MakeSequence()
    output = layer.Forward(x)
    error = output[:, 0] - target
    loss = np.mean(error ** 2)

    gradient = np.zeros_like(output)
    gradient[:, 0] = 2 * error / seqLength
    layer.Backward(gradient)
    layer.UpdateParameters(0.2)
    running = loss if running is None else 0.99 * running + 0.01 * loss
    if iteration % 250 == 0:
        print('Iteration', iteration, 'loss', running)
