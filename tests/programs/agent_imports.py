import importlib
import importlib.metadata
import importlib.util

print(importlib.import_module("json").loads("[1]"), importlib.util.find_spec("json.decoder").name, importlib.util.find_spec("no_such_module"))
try:
    import no_such_module
except ModuleNotFoundError as error:
    print(error, error.name)
try:
    from math import no_such_name
except ImportError as error:
    print(str(error).split("(")[0])
try:
    importlib.metadata.version("no-such-distribution")
except importlib.metadata.PackageNotFoundError as error:
    print(error)
