# VAE with a Gaussian decoder. The pieces follow torch7's nn: updateOutput, updateGradInput,
# accGradParameters, and criterions with updateOutput / updateGradInput.
import numpy as np

rng = np.random.RandomState(13)


class Linear:
    def __init__(self, nin, nout):
        self.weight = rng.randn(nout, nin) * 0.3
        self.bias = np.zeros(nout)
        self.zeroGradParameters()

    def zeroGradParameters(self):
        self.gradWeight = np.zeros_like(self.weight)
        self.gradBias = np.zeros_like(self.bias)

    def updateOutput(self, input):
        self.input = input
        return input.dot(self.weight.T) + self.bias

    def updateGradInput(self, gradOutput):
        self.gradWeight += gradOutput.T.dot(self.input)
        self.gradBias += gradOutput.sum(0)
        return gradOutput.dot(self.weight)


class Tanh:
    def updateOutput(self, input):
        self.output = np.tanh(input)
        return self.output

    def updateGradInput(self, gradOutput):
        return gradOutput * (1 - self.output ** 2)


class Sampler:
    def updateOutput(self, mu, logvar, eps):
        self.logvar, self.eps = logvar, eps
        return mu + np.exp(0.5 * logvar) * eps

    def updateGradInput(self, gradOutput):
        return gradOutput, gradOutput * 0.5 * np.exp(0.5 * self.logvar) * self.eps


class KLDCriterion:
    def updateOutput(self, mu, logvar):
        return -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))

    def updateGradInput(self, mu, logvar):
        return mu, -0.5 * (1 - np.exp(logvar))


class GaussianCriterion:
    """- log N(target; mu, exp(logvar)), summed"""

    def updateOutput(self, mu, logvar, target):
        ll = -0.5 * np.log(2 * np.pi) - 0.5 * logvar - 0.5 * (target - mu) ** 2 / np.exp(logvar)
        return -np.sum(ll)

    def updateGradInput(self, mu, logvar, target):
        gradMu = -np.exp(-logvar) * (target - mu)
        gradLogvar = 0.25 - 0.5 * np.exp(-logvar) * (target - mu) ** 2
        return gradMu, gradLogvar


# eight numbers from two hidden ones
z_true = rng.randn(40, 2)
data = np.tanh(z_true.dot(rng.randn(2, 8))) + 0.1 * rng.randn(40, 8)

enc, encact, encmu, enclv = Linear(8, 6), Tanh(), Linear(6, 2), Linear(6, 2)
dec, decact, decmu, declv = Linear(2, 6), Tanh(), Linear(6, 8), Linear(6, 8)
modules = [enc, encmu, enclv, dec, decmu, declv]
sampler, KLD, Gaussian = Sampler(), KLDCriterion(), GaussianCriterion()

learningRate = 0.01
batchSize = 20

for epoch in range(1, 31):
    lowerbound = 0
    for i in range(0, len(data), batchSize):
        batch = data[i:i + batchSize]
        for m in modules:
            m.zeroGradParameters()

        h = encact.updateOutput(enc.updateOutput(batch))
        mu, logvar = encmu.updateOutput(h), enclv.updateOutput(h)
        z = sampler.updateOutput(mu, logvar, rng.randn(*mu.shape))
        g = decact.updateOutput(dec.updateOutput(z))
        rmu, rlogvar = decmu.updateOutput(g), declv.updateOutput(g)

        err = Gaussian.updateOutput(rmu, rlogvar, batch) + KLD.updateOutput(mu, logvar)
        lowerbound -= err

        dmu, dlv = Gaussian.updateGradInput(rmu, rlogvar, batch)
        dg = decmu.updateGradInput(dmu) + declv.updateGradInput(dlv)
        dz = dec.updateGradInput(decact.updateGradInput(dg))
        smu, slv = sampler.updateGradInput(dz)
        kmu, klv = KLD.updateGradInput(mu, logvar)
        dh = encmu.updateGradInput(smu + kmu) + enclv.updateGradInput(slv + klv)
        enc.updateGradInput(encact.updateGradInput(dh))

        for m in modules:
            m.weight -= learningRate / batchSize * m.gradWeight
            m.bias -= learningRate / batchSize * m.gradBias
    if epoch % 10 == 0:
        print("Epoch %d Lowerbound %.4f" % (epoch, lowerbound / len(data)))
