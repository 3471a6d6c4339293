import io
import sys

class Upper(io.TextIOBase):
    def write(self, text):
        return sys.__stdout__.write(text.upper())

sys.stdout = Upper()
print("shouted")
sys.stdout = sys.__stdout__
print("calm")
