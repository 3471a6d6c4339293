try:
    __import__(_query)
except ImportError as error:
    print(error.name)
    raise
