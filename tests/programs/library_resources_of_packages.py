import importlib.resources
import json.decoder
import os

print(os.path.basename(json.decoder.__file__), os.path.exists(os.__file__), importlib.resources.files("json").joinpath("decoder.py").is_file())
import inspect
print(inspect.getsource(json.loads).startswith("def loads("), len(inspect.getsource(os.path.join)) > 100)
import encodings
print("x".encode("cp437"), "é".encode("latin-1"), "a".encode("idna"), len(os.listdir(os.path.dirname(encodings.__file__))) > 50)
