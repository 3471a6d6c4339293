# The unsandboxed control: reads {"code", "query", "items"} on stdin, runs the code as remand's executor would call it, prints its value.
import json
import sys
import textwrap

job = json.load(sys.stdin)
scope = {}
exec(compile("def probe(_query, _items):\n" + textwrap.indent(job["code"], "    "), "probe", "exec"), scope)
value = scope["probe"](job["query"], job["items"])
print("\n" + json.dumps(value), flush=True)
