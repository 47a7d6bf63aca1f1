"""How alike are two representations? Linear CKA, plain and debiased."""

import numpy as np

import leanfair

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 200))
rotation, _ = np.linalg.qr(rng.normal(size=(200, 200)))
noise = rng.normal(size=(50, 200))

print("rotated and scaled:", leanfair.cka(X, 3 * X @ rotation))
print("unrelated, few samples:", leanfair.cka(X, noise))
print("unrelated, debiased:", leanfair.cka(X, noise, debiased=True))
