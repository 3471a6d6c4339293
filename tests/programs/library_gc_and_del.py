import gc

class Cycle:
    def __init__(self, name):
        self.other, self.name = self, name

    def __del__(self):
        print("collected", self.name)

Cycle("one")
gc.collect()
gc.disable()
two = Cycle("two")
gc.callbacks.append(lambda phase, info: None)
print(gc.get_count()[0] >= 0, gc.is_tracked({}), len(gc.get_referrers(two)) > 0)
gc.freeze()
gc.enable()
