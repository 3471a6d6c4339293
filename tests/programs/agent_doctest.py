"""A module with examples.

>>> double(4)
8
>>> double("ab")
'abab'
>>> [1, 2][5]
Traceback (most recent call last):
IndexError: list index out of range
"""
import doctest

def double(x):
    """
    >>> double([1])
    [1, 2]
    """
    return x * 2

print(doctest.testmod())
