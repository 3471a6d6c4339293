import os
import sys
from pathlib import Path

print(Path(__file__).name, Path(__file__).is_file(), Path(__file__).parent == Path.cwd())
print(os.path.basename(sys.argv[0]), len(sys.argv), Path(sys.path[0]) == Path.cwd())
with open(__file__) as source:
    print(source.readline().strip())
