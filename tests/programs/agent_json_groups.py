# function
import json
from collections import defaultdict

orders = json.loads('[{"who": "ann", "sum": 3}, {"who": "bob", "sum": 5}, {"who": "ann", "sum": 9}]')
groups = defaultdict(list)
for order in orders:
    groups[order["who"]].append(order["sum"])
print(json.dumps({who: {"n": len(sums), "mean": sum(sums) / len(sums)} for who, sums in groups.items()}, indent=2, sort_keys=True))
print(json.dumps({"text": "é\u2028\U0001f600", "none": None}), json.dumps([float("nan"), float("-inf")]))
try:
    json.loads('{"a": 1,}')
except json.JSONDecodeError as error:
    print(error.msg, error.lineno, error.colno)
