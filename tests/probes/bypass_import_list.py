# Y13: get at a module that the import list refuses, then do with it what the kernel must stop.
import errno
try:
    import subprocess
    refused = False
except ImportError:
    refused = True
module = [cls for cls in ().__class__.__base__.__subclasses__() if cls.__name__ == "BuiltinImporter"][0].load_module("posix")
try:
    child = module.fork()
    if child == 0:
        module._exit(0)
    answer = "ok"
except OSError as error:
    answer = errno.errorcode[error.errno]
return {"refused": refused, "fork": answer}
