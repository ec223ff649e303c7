import numpy as np

C = 2

rnd = np.random.RandomState(42)
X = np.r_[rnd.randn(25, 2) * 0.6 + [1.5, 0.5], rnd.randn(25, 2) * 0.6 + [3.2, 1.6]]
y = np.r_[np.zeros(25), np.ones(25)].reshape(-1, 1)


class BatchLinearSVC:
    def __init__(self, C=1, eta0=1, eta_d=10000, n_epochs=1000, random_state=None):
        self.C = C
        self.eta0 = eta0
        self.eta_d = eta_d
        self.n_epochs = n_epochs
        self.random_state = random_state

    def eta(self, epoch):
        # learning rate goes down with time
        return self.eta0 / (epoch + self.eta_d)

    def fit(self, X, y):
        if self.random_state:
            np.random.seed(self.random_state)
        w = np.random.randn(X.shape[1], 1)
        b = 0

        t = y * 2 - 1     # labels -1 / +1
        X_t = X * t
        self.Js = []

        for epoch in range(self.n_epochs):
            # only examples inside the street (or on the wrong side) count
            inside = (X_t.dot(w) + t * b < 1).ravel()
            X_t_sv = X_t[inside]
            t_sv = t[inside]

            J = 1/2 * np.sum(w * w) + self.C * (np.sum(1 - X_t_sv.dot(w)) - b * np.sum(t_sv))
            self.Js.append(J)

            w_gradient = w - self.C * np.sum(X_t_sv, axis=0).reshape(-1, 1)
            b_derivative = -C * np.sum(t_sv)

            w = w - self.eta(epoch) * w_gradient
            b = b - self.eta(epoch) * b_derivative

        self.coef_ = w
        self.intercept_ = b
        return self

    def decision_function(self, X):
        return X.dot(self.coef_) + self.intercept_

    def predict(self, X):
        return (self.decision_function(X) >= 0).astype(float)


# how wide does the street get?
for c in (0.1, C, 10):
    svm_clf = BatchLinearSVC(C=c, eta0=10, eta_d=1000, n_epochs=400, random_state=2)
    svm_clf.fit(X, y)
    print("C =", c, "w =", svm_clf.coef_.ravel(), "b =", svm_clf.intercept_, "J =", svm_clf.Js[-1])
    print("    street:", 2 / np.linalg.norm(svm_clf.coef_), "accuracy:", (svm_clf.predict(X) == y).mean())
