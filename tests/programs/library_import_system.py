import importlib.abc
import importlib.machinery
import sys

class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name.startswith("virtual_") else None

    def exec_module(self, module):
        module.answer = 42

sys.meta_path.insert(0, Finder())
import virtual_thing
print(virtual_thing.answer, virtual_thing.__spec__.name)
print(importlib.reload(virtual_thing) is virtual_thing)
__import__("os.path").getcwd()
print(__import__("xml.dom", fromlist=["x"]).__name__, importlib.util.find_spec("__main__") if False else "")
