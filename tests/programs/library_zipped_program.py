import sys
import zipfile

with zipfile.ZipFile("code.zip", "w") as archive:
    archive.writestr("zipped.py", "import sys\nNAME = __name__\n")
    archive.writestr("__main__.py", "import zipped\nprint('from the archive', zipped.NAME)\n")
sys.path.insert(0, "code.zip")
import zipped
print(zipped.NAME, "code.zip" in zipped.__file__)
import subprocess
print(subprocess.check_output([sys.executable, "code.zip"], text=True).strip())
import zipapp
import pkgutil
print(sorted(m.name for m in pkgutil.iter_modules(["."])), pkgutil.get_data("zipped", "zipped.py")[:6])
