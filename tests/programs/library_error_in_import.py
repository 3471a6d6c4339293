with open("broken_module.py", "w") as out:
    out.write("import json\n\njson.loads('{')\n")
import broken_module
