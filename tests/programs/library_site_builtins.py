print(callable(exit), callable(quit), callable(help))
try:
    exit(3)
except SystemExit as leaving:
    print(leaving.code)
