# function
from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable

T = TypeVar("T")

class Stack(Generic[T]):
    def __init__(self):
        self.items = []

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

@runtime_checkable
class Sized(Protocol):
    def __len__(self): ...

class Shape(ABC):
    @abstractmethod
    def area(self): ...

class Pair(NamedTuple):
    a: int
    b: str = "x"

class Movie(TypedDict, total=False):
    name: str

print(Stack[int]().push(1).push(2).items, isinstance([], Sized), isinstance(3, Sized), Pair(1), Movie(name="m"))
try:
    Shape()
except TypeError as error:
    print("abstract" in str(error))
