# What n8n's runner refuses before it runs: its rules over the syntax tree, each violation with its line, in the tree's own order.


def children_of(node):
    """Those below a node, in order."""
    for field in node._fields:
        below = getattr(node, field, None)
        if isinstance(below, list):
            yield from (child for child in below if hasattr(child, "_fields"))
        elif hasattr(below, "_fields"):
            yield below


def walk(tree):
    """All nodes, each before those below it."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield type(node).__name__, node
        stack += [*children_of(node)][::-1]


def is_format_call(kind, node):
    return kind == "Call" and type(node.func).__name__ == "Attribute" and node.func.attr in FORMATS


def constant_text(node):
    """The text of a constant, or of a sum of them."""
    kind = type(node).__name__
    if kind == "Constant":
        return node.value if isinstance(node.value, str) else None
    if kind == "BinOp" and type(node.op).__name__ == "Add":
        parts, stack = [], [node]
        while stack:
            part = stack.pop()
            if type(part).__name__ == "BinOp" and type(part.op).__name__ == "Add":
                stack += [part.left, part.right]
            elif type(part).__name__ == "Constant" and isinstance(part.value, str):
                parts.append(part.value)
            else:
                return None
        return "".join(reversed(parts))
    return None


class Analysis:
    """The violations of a tree, as `Line N: ...`."""

    def __init__(self, tree, lists):
        self.lists, self.modules, self.called = lists, set(), set()
        self.lines, self.first = [], None
        for kind, node in walk(tree):
            rule = getattr(self, "rule_" + kind, None)
            if rule is not None:
                rule(node)

    def violation(self, node, text):
        self.first = self.first or node.lineno
        self.lines.append("Line %d: %s" % (node.lineno, text))

    def name(self, node, name, text="Access to name %r"):
        if name in BLOCKED_NAMES:
            self.violation(node, BYPASS % (text % name))

    def module(self, node, name):
        if name in self.modules:
            return
        why = self.lists.refused(name)
        if why is not None:
            if why != RELATIVE:
                self.modules.add(name)
            self.violation(node, why)

    def rule_Import(self, node):
        for alias in node.names:
            self.module(node, alias.name)
            self.name(node, alias.asname)

    def rule_ImportFrom(self, node):
        if node.level > 0:
            self.violation(node, RELATIVE)
        elif node.module:
            self.module(node, node.module)
        for alias in node.names:
            self.name(node, alias.name)
            self.name(node, alias.asname)

    def rule_Name(self, node):
        self.name(node, node.id)

    def rule_ExceptHandler(self, node):
        self.name(node, node.name)

    def rule_Global(self, node):
        for name in node.names:
            self.name(node, name, "Global declaration of %r")

    def rule_FunctionDef(self, node):
        self.name(node, node.name, "Function named %r")

    rule_AsyncFunctionDef = rule_FunctionDef

    def rule_ClassDef(self, node):
        self.name(node, node.name, "Class named %r")

    def rule_arg(self, node):
        self.name(node, node.arg, "Parameter named %r")

    def rule_Attribute(self, node):
        name = node.attr
        before, mark, _ = name.partition("__")
        if name in BLOCKED_ATTRIBUTES:
            self.violation(node, attribute_text(name))
        elif mark and before.startswith("_"):
            self.violation(node, MANGLED)
        if name in FORMATS and id(node) not in self.called:
            self.violation(node, BOUND % name)

    def rule_Call(self, node):
        if is_format_call("Call", node):
            self.called.add(id(node.func))
        called, kind = node.func, type(node.func).__name__
        of_builtins = kind == "Attribute" and called.attr == "__import__" and getattr(called.value, "id", None) == "builtins"
        if of_builtins or kind == "Name" and called.id == "__import__":
            text = constant_text(node.args[0]) if node.args and type(node.args[0]).__name__ == "Constant" else None
            if text is None:
                self.violation(node, DYNAMIC)
            else:
                self.module(node, text)

    def rule_Subscript(self, node):
        of = node.value
        name = getattr(of, "id", None) or getattr(of, "attr", None)
        if name == "__builtins__" or getattr(of, "id", None) == "builtins":
            key = constant_text(node.slice)
            if key in BLOCKED_ATTRIBUTES or key in BLOCKED_NAMES:
                self.violation(node, attribute_text(key))

    def rule_Constant(self, node):
        text = constant_text(node)
        if text is None:
            return
        if text in BLOCKED_NAMES:
            self.violation(node, name_text(text))
        elif text in BLOCKED_ATTRIBUTES:
            self.violation(node, attribute_text(text))
        else:
            read = read_in_template(text)
            if read:
                self.violation(node, template_text(read))

    rule_BinOp = rule_Constant

    def rule_MatchClass(self, node):
        for name in node.kwd_attrs:
            if name in BLOCKED_ATTRIBUTES:
                self.violation(node, BYPASS % ("Match pattern extracting attribute %r" % name))
        if node.patterns:
            self.violation(node, POSITIONAL)
