# needs: numeric
# function
import numpy as np

m = np.array([[2.0, 1.0], [1.0, 3.0]])
print(np.linalg.solve(m, [3, 5]), m @ m.T, np.linalg.eigvalsh(m).round(3))
print(np.arange(12).reshape(3, 4)[:, ::2].sum(axis=0), np.where(np.arange(5) > 2, "hi", "lo"))
print(np.random.default_rng(1).integers(0, 100, 5), np.histogram([1, 2, 2, 3], bins=3)[0], np.fft.fft([1, 0, 0, 0]).real)
