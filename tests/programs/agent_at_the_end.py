import atexit
import weakref

class Resource:
    def __init__(self, name):
        self.name = name
        weakref.finalize(self, print, "finalized", name)

    def __del__(self):
        print("deleted", self.name)

kept = Resource("kept")
atexit.register(print, "registered first, called last")
atexit.register(lambda: print("called first", kept.name))
Resource("temporary")
print("end of text")
