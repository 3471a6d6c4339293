import dbm.dumb
import shelve

with shelve.open("store") as store:
    store["a"] = {"n": [1, 2]}
    store["b"] = None
with shelve.open("store", writeback=True) as store:
    store["a"]["n"].append(3)
with shelve.open("store") as store:
    print(sorted(store), store["a"])
with dbm.dumb.open("keys", "c") as keys:
    keys["k"] = "v"
    print(keys["k"], len(keys))
