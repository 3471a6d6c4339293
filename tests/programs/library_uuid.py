import uuid

one, two = uuid.uuid1(), uuid.uuid1()
print(one != two, one.version, uuid.UUID("{12345678-1234-5678-1234-567812345678}").int % 97, uuid.getnode() > 0)
