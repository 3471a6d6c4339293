# needs: numeric
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal, assert_raises

a = np.arange(6.0).reshape(2, 3)
assert_allclose(a @ a.T, [[5, 14], [14, 50]])
assert_array_equal(np.sort(np.array([3, 1, 2]))[::-1], [3, 2, 1])
assert_raises(np.linalg.LinAlgError, np.linalg.inv, np.zeros((2, 2)))
np.savez("saved.npz", a=a)
view = np.memmap("map", dtype="i4", mode="w+", shape=(4,))
view[:] = 7
view.flush()
with np.errstate(divide="ignore"):
    print(np.load("saved.npz")["a"].sum(), np.fromfile("map", "i4").sum(), np.log(np.array([0.0])), np.float64(1) / np.float64(0) if False else "")
print(np.datetime64("2024-02-28") + np.arange(3), np.array(["a", "bb"]).dtype, np.einsum("ij->j", a))
print(np.array2string(np.linspace(0, 1, 5), precision=2), a.tobytes()[:9], np.rec.array([(1, "x")], names="n,t").t)
