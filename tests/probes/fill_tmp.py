# R2, R6, R3: bytes written to the private directory, in MiB, file by file.
for index in range(_query):
    with open(f"/tmp/fill{index}", "wb") as file:
        file.write(bytes(1 << 20))
return _query
