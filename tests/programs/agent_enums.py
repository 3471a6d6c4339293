# function
import enum

class Color(enum.Enum):
    RED = 1
    BLUE = enum.auto()

    @property
    def hex(self):
        return {"RED": "#f00", "BLUE": "#00f"}[self.name]

class Mode(enum.IntFlag):
    R = 4
    W = 2

print([color.hex for color in Color], Color(2).name, Color["RED"].value, list(Color.__members__))
print((Mode.R | Mode.W).value, Mode.R in Mode(6), Mode(6) & ~Mode.W == Mode.R)
