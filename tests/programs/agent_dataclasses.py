# function
from dataclasses import asdict, dataclass, field, replace
from typing import Optional

@dataclass(order=True)
class Task:
    priority: int
    name: str = field(compare=False)
    tags: list = field(default_factory=list, compare=False)
    parent: Optional["Task"] = field(default=None, repr=False, compare=False)

tasks = [Task(3, "write"), Task(1, "read", ["a"]), Task(2, "think")]
for task in sorted(tasks):
    print(task)
print(asdict(replace(tasks[1], name="reread")))
