import sys
import warnings

warnings.warn("first", UserWarning)
warnings.warn("old way", DeprecationWarning)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("kept", RuntimeWarning)
print([str(one.message) for one in caught], len(sys.warnoptions))
warnings.simplefilter("error")
warnings.warn("ends it")
