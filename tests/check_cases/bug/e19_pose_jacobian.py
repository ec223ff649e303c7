"""Register a handful of landmarks: find the pose that maps what the robot saw to the map.

A pose is [x, y, z, qx, qy, qz, qw]. The step is plain gradient descent, with the
Jacobian of (pose applied to a point) written out.
"""
import numpy as np


class PoseSE3:
    def __init__(self, position, quaternion):
        self.v = np.array(list(position) + list(quaternion), dtype=float)

    def __getitem__(self, i):
        return self.v[i]

    def normalize(self):
        self.v[3:] /= np.linalg.norm(self.v[3:])

    def apply(self, p):
        """Rotate the point by the quaternion, then move it."""
        # fmt: off
        return np.array([self[0] + p[0] + 2. * (-(self[4]**2 + self[5]**2) * p[0] + (self[3] * self[4] - self[5] * self[6]) * p[1] + (self[4] * self[6] + self[3] * self[5]) * p[2]),
                         self[1] + p[1] + 2. * ((self[3] * self[4] + self[5] * self[6]) * p[0] - (self[3]**2 + self[5]**2) * p[1] + (self[4] * self[5] - self[3] * self[6]) * p[2]),
                         self[2] + p[2] + 2. * ((self[3] * self[5] - self[4] * self[6]) * p[0] + (self[3] * self[6] + self[4] * self[5]) * p[1] - (self[3]**2 + self[4]**2) * p[2])])
        # fmt: on

    def jacobian_apply_wrt_self(self, p):
        """3 x 7: how the moved point changes with the pose."""
        # fmt: off
        return np.array([[1., 0., 0., 2. * self[4] * p[1] + 2. * self[5] * p[2], -4. * self[4] * p[0] + 2. * self[3] * p[1] + 2. * self[6] * p[2], -4. * self[5] * p[0] - 2. * self[6] * p[1] + 2. * self[3] * p[2], -2. * self[5] * p[1] + 2. * self[4] * p[2]],
                         [0., 1., 0., 2. * self[4] * p[0] - 4. * self[3] * p[1] - 2. * self[6] * p[2], 2. * self[3] * p[0] + 2. * self[5] * p[2], -2. * self[6] * p[0] - 4. * self[5] * p[1] + self[4] * p[2], 2. * self[5] * p[0] - 2. * self[3] * p[2]],
                         [0., 0., 1., 2. * self[5] * p[0] + 2. * self[6] * p[1] - 4. * self[3] * p[2], -2. * self[6] * p[0] + 2. * self[5] * p[1] - 4. * self[4] * p[2], 2. * self[3] * p[0] + 2. * self[4] * p[1], -2. * self[4] * p[0] + 2. * self[3] * p[1]]])
        # fmt: on


class Registration:
    def __init__(self, seen, landmarks, pose):
        self.seen = seen
        self.landmarks = landmarks
        self.pose = pose

    def chi2(self):
        total = 0.
        for p, l in zip(self.seen, self.landmarks):
            e = self.pose.apply(p) - l
            total += e.dot(e)
        return total

    def gradient(self):
        g = np.zeros(7)
        for p, l in zip(self.seen, self.landmarks):
            e = self.pose.apply(p) - l
            g += 2. * np.dot(e, self.pose.jacobian_apply_wrt_self(p))
        return g

    def optimize(self, max_iter=200, rate=0.01, tol=1e-9):
        last = self.chi2()
        for i in range(max_iter):
            self.pose.v -= rate * self.gradient()
            self.pose.normalize()
            now = self.chi2()
            if i % 40 == 0:
                print("Iteration %3d   chi^2 = %.6f" % (i, now))
            if abs(last - now) < tol:
                break
            last = now
        return self.pose


np.random.seed(7)
truth = PoseSE3([0.4, -0.3, 0.2], [0.1, -0.2, 0.35, 0.9])
truth.normalize()
seen = np.random.uniform(-1., 1., (6, 3))
landmarks = np.array([truth.apply(p) for p in seen]) + 0.01 * np.random.randn(6, 3)

start = PoseSE3([0., 0., 0.], [0.05, 0.05, 0.1, 0.98])
start.normalize()
found = Registration(seen, landmarks, start).optimize()
print("true ", np.round(truth.v, 3))
print("found", np.round(found.v, 3))
