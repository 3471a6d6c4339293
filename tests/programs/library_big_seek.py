with open("sparse", "wb") as file:
    file.seek(50_000_000)
    file.write(b"!")
with open("sparse", "rb") as file:
    print(file.seek(0, 2), file.seek(-1, 2), file.read())
