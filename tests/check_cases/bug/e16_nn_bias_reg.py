import numpy as np
from scipy.optimize import minimize

np.random.seed(12)


def sigmoid(z):
    return(1 / (1 + np.exp(-z)))


def sigmoidGradient(z):
    return(sigmoid(z)*(1-sigmoid(z)))


def nnCostFunction(nn_params, n_in, n_hid, num_labels, features, classes, reg):

    # one long vector comes in, first theta1 then theta2
    split = n_hid*(n_in+1)
    theta1 = nn_params[:split].reshape(n_hid, (n_in+1))
    theta2 = nn_params[split:].reshape(num_labels, (n_hid+1))

    m = features.shape[0]
    y_matrix = np.eye(num_labels)[classes]           # m x labels

    # Forward
    a1 = np.c_[np.ones((m,1)), features]             # m x (n_in+1)
    z2 = theta1.dot(a1.T)                            # n_hid x m
    a2 = np.c_[np.ones((m,1)), sigmoid(z2.T)]        # m x (n_hid+1)
    a3 = sigmoid(theta2.dot(a2.T))                   # labels x m

    J = -1/m*np.sum(np.log(a3.T)*y_matrix + np.log(1-a3).T*(1-y_matrix))
    J = J + reg/(2*m)*(np.sum(np.square(theta1[:,1:])) + np.sum(np.square(theta2[:,1:])))

    # Backward
    d3 = a3.T - y_matrix                                       # m x labels
    d2 = theta2[:,1:].T.dot(d3.T)*sigmoidGradient(z2)          # n_hid x m
    delta1 = d2.dot(a1)
    delta2 = d3.T.dot(a2)

    # the thetas without their bias column
    theta1_ = np.c_[np.ones((n_hid,1)),theta1[:,1:]]
    theta2_ = np.c_[np.ones((num_labels,1)),theta2[:,1:]]

    theta1_grad = delta1/m + (theta1_*reg)/m
    theta2_grad = delta2/m + (theta2_*reg)/m

    return(J, np.r_[theta1_grad.ravel(), theta2_grad.ravel()])


# three "digits" of 2x3 pixels, twelve noisy copies of each
digits = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 1, 0, 1, 0], [0, 0, 1, 1, 0, 1]], dtype=float)
y = np.repeat(np.arange(3), 12)
X = digits[y] + 0.3*np.random.randn(36, 6)

eps = 0.5
theta0 = np.random.uniform(-eps, eps, 4*(6+1) + 3*(4+1))

print('cost at start (reg = 1):', nnCostFunction(theta0, 6, 4, 3, X, y, 1)[0])

res = minimize(nnCostFunction, theta0, args=(6, 4, 3, X, y, 1), jac=True,
               method='L-BFGS-B', options={'maxiter': 50})
print(res.message, res.fun)

t1 = res.x[:4*7].reshape(4, 7)
t2 = res.x[4*7:].reshape(3, 5)
hidden = sigmoid(np.c_[np.ones(36), X].dot(t1.T))
pred = np.argmax(sigmoid(np.c_[np.ones(36), hidden].dot(t2.T)), axis=1)
print('Training set accuracy: {} %'.format(np.mean(pred == y)*100))
