from __future__ import annotations

import typing
from dataclasses import dataclass

class Base:
    owner: "Base | None"

@dataclass
class Node:
    value: int
    children: list[Node]

def walk(node: Node, depth: int = 0) -> typing.Iterator[tuple[int, int]]:
    yield depth, node.value
    for child in node.children:
        yield from walk(child, depth + 1)

print(typing.get_type_hints(Node)["children"], typing.get_type_hints(walk)["depth"])
print(list(walk(Node(1, [Node(2, []), Node(3, [Node(4, [])])]))), __annotations__ if "__annotations__" in globals() else {})
