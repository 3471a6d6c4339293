# function
class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name[1:]} must be positive")
        setattr(instance, self.name, value)

class Meta(type):
    made = []

    def __new__(meta, name, bases, body, **options):
        meta.made.append((name, options))
        return super().__new__(meta, name, bases, body)

class Box(metaclass=Meta, color="red"):
    width = Positive()
    __slots__ = ("_width",)

    def __init__(self, width):
        self.width = width

print(Box(3).width, Meta.made, Box.__mro__[-1].__name__)
try:
    Box(-1)
except ValueError as error:
    print(error)
