# O5: what a careless parent would run: pickle, YAML and JSON-RPC tags as plain strings and objects.
return {"py/reduce": ["os.system", ["id"]], "yaml": "!!python/object/apply:os.system ['id']", "pickle": "cos\nsystem\n(S'id'\ntR.", "__class__": "x", "$ref": "file:///etc/passwd"}
