from random import seed, uniform, choice, sample
from numpy import array, abs, sign, linalg


class TransE:
    def __init__(self, entityList, relationList, tripleList, margin=1, learingRate=0.01, dim=10, L1=True):
        self.margin = margin
        self.learingRate = learingRate
        self.dim = dim
        self.entityList = entityList      # list of names, after initialize() a dict name -> vector
        self.relationList = relationList  # the same
        self.tripleList = tripleList
        self.loss = 0
        self.L1 = L1

    def initialize(self):
        self.entityList = {e: norm(array([init(self.dim) for _ in range(self.dim)])) for e in self.entityList}
        self.relationList = {r: norm(array([init(self.dim) for _ in range(self.dim)])) for r in self.relationList}

    def transE(self, cI=20):
        for cycleIndex in range(cI):
            for entity in self.entityList:
                self.entityList[entity] = norm(self.entityList[entity])
            Tbatch = [(s, self.getCorruptedTriplet(s)) for s in sample(self.tripleList, 20)]
            self.update(Tbatch)
            if cycleIndex % 50 == 0:
                print('cycle %d loss %.4f' % (cycleIndex, self.loss))
            self.loss = 0

    def getCorruptedTriplet(self, triplet):
        '''head or tail replaced by another entity, not both'''
        if uniform(-1, 1) < 0:
            while True:
                entity = choice(list(self.entityList))
                if entity != triplet[0] and (entity, triplet[1], triplet[2]) not in self.tripleList:
                    return (entity, triplet[1], triplet[2])
        while True:
            entity = choice(list(self.entityList))
            if entity != triplet[1] and (triplet[0], entity, triplet[2]) not in self.tripleList:
                return (triplet[0], entity, triplet[2])

    def update(self, Tbatch):
        for triplet, corrupted in Tbatch:
            headEntityVector = self.entityList[triplet[0]]
            tailEntityVector = self.entityList[triplet[1]]
            relationVector = self.relationList[triplet[2]]
            headCorrupted = self.entityList[corrupted[0]]
            tailCorrupted = self.entityList[corrupted[1]]

            eg = self.margin + distance(headEntityVector, tailEntityVector, relationVector, self.L1) \
                - distance(headCorrupted, tailCorrupted, relationVector, self.L1)
            if eg > 0:
                self.loss += eg
                diffPositive = tailEntityVector - headEntityVector - relationVector
                diffNegtative = tailCorrupted - headCorrupted - relationVector
                if self.L1:
                    tempPositive = self.learingRate * sign(diffPositive)
                    tempNegtative = self.learingRate * sign(diffNegtative)
                else:
                    tempPositive = 2 * self.learingRate * diffPositive
                    tempNegtative = 2 * self.learingRate * diffNegtative

                # in place: head or tail of both triplets can be the same entity
                headEntityVector += tempPositive
                tailEntityVector -= tempPositive
                relationVector += tempPositive - tempNegtative
                headCorrupted -= tempNegtative
                tailCorrupted += tempNegtative


def init(dim):
    return uniform(-6 / (dim ** 0.5), 6 / (dim ** 0.5))


def distance(h, t, r, L1):
    s = h + r - t
    if L1:
        return abs(s).sum()
    return (s * s).sum()


def norm(vector):
    return vector / linalg.norm(vector)


if __name__ == '__main__':
    seed(4)
    # a ring of 18 places, "next" and "over next"
    names = ['e%d' % i for i in range(18)]
    triples = [(names[i], names[(i + 1) % 18], 'next') for i in range(18)]
    triples += [(names[i], names[(i + 2) % 18], 'overnext') for i in range(18)]
    transE = TransE(names, ['next', 'overnext'], triples, margin=1, learingRate=0.01, dim=8)
    transE.initialize()
    transE.transE(501)
    hits = 0
    for h, t, r in triples:
        d = sorted(names, key=lambda e: distance(transE.entityList[h], transE.entityList[e],
                                                 transE.relationList[r], True))
        hits += t in d[:3]
    print('hits@3', hits / len(triples))
