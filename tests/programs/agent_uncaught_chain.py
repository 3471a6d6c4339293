def load(path):
    try:
        return open(path)
    except OSError as error:
        raise RuntimeError("cannot load") from error

try:
    load("nowhere.txt")
except RuntimeError:
    [][1]
