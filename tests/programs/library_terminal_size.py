import os
import shutil

try:
    os.get_terminal_size(0)
except OSError as error:
    print(error.errno in (25, 22))
print(shutil.get_terminal_size((70, 20)).lines >= 20)
