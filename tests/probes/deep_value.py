# O4: a result nested this deep.
value = None
for _ in range(_query):
    value = [value]
return value
