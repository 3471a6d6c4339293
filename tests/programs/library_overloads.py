import sys
import typing

@typing.overload
def f(a: int) -> int: ...
@typing.overload
def f(a: str) -> str: ...
def f(a):
    return a

if sys.version_info >= (3, 11):
    print(len(typing.get_overloads(f)), len(typing.get_overloads(print)))
else:
    print(2, 0)
print(typing.get_type_hints(f), typing.get_origin(typing.Dict[str, int]), typing.Union[int, None], typing.Literal["a"].__args__)
