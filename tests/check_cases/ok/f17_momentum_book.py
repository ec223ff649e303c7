# naive momentum from the book's pseudo code, cubic curve with four scalar weights, no numpy
import math

xs = [-1.0 + 0.1 * i for i in range(21)]
ys = [math.sin(2.5 * x) + 0.3 * x * x for x in xs]

weights = [0.0, 0.0, 0.0, 0.0]


def predict(w, x):
    return w[0] + w[1] * x + w[2] * x ** 2 + w[3] * x ** 3


def get_current_parameters():
    """weights, loss (mean squared error) and gradient"""
    loss = 0.0
    gradient = [0.0, 0.0, 0.0, 0.0]
    for x, y in zip(xs, ys):
        error = predict(weights, x) - y
        loss += error ** 2
        for k in range(4):
            gradient[k] += 2 * error * x ** k
    n = len(xs)
    return list(weights), loss / n, [g / n for g in gradient]


def update_parameter(w):
    for k in range(4):
        weights[k] = w[k]


learning_rate = 0.1
momentum = 0.5
past_velocity = [0.0, 0.0, 0.0, 0.0]
step = 0
w, loss, gradient = get_current_parameters()
while loss > 0.0015 and step < 1000:
    w, loss, gradient = get_current_parameters()
    if step % 100 == 0:
        print('step', step, 'loss', loss)
    for k in range(4):
        velocity = past_velocity[k] * momentum - learning_rate * gradient[k]
        w[k] = w[k] + momentum * velocity - learning_rate * gradient[k]
        past_velocity[k] = velocity
    update_parameter(w)
    step += 1
print('stopped at step', step, 'loss', loss, 'weights', weights)
