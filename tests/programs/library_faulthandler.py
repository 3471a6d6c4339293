# differs: faulthandler is enabled, to tell where the code was when a signal or a limit of time ended it
import faulthandler
import sys
import tempfile

print(faulthandler.is_enabled())
with tempfile.TemporaryFile() as file:
    faulthandler.dump_traceback(file)
    file.seek(0)
    print(b"most recent call first" in file.read())
faulthandler.enable()
print(faulthandler.is_enabled())
faulthandler.disable()
faulthandler.dump_traceback_later(60)
faulthandler.cancel_dump_traceback_later()
