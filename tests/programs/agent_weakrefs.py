# function
import gc
import sys
import weakref

class Node:
    def __init__(self):
        self.me = self

node = Node()
seen = weakref.ref(node)
pool = weakref.WeakValueDictionary(a=node)
del node
print(gc.collect() > 0, seen() is None, len(pool), gc.isenabled())
print(sys.getrefcount(object()) >= 1, sys.getsizeof([]) > 0)
