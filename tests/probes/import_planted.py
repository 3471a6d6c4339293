# Y1: import modules that lie beside the command and on PYTHONPATH.
import colorsys, sys
return {"colorsys": getattr(colorsys, "PLANTED", False), "sitecustomize": "sitecustomize" in sys.modules, "path": [entry for entry in sys.path if entry in ("", ".")]}
