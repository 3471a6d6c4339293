# What n8n's runner puts in the place of builtins while code runs: `print`, `__import__`, the check of format templates, a table of builtins that cannot be
# changed. They look like builtins and say n8n's words.


class SecurityViolationError(Exception):
    def __init__(self, message, description):
        super().__init__(message)
        self.description = description


SecurityViolationError.__module__ = "builtins"


def refuse_while_running(why):
    if why is not None:
        raise SecurityViolationError("Security violation detected", why)


def disguised(name, function):
    """A callable that shows nothing of itself."""

    class builtin_function_or_method:
        __slots__ = ()

        def __call__(self, *values, **named):
            return function(*values, **named)

        def __repr__(self):
            return "<built-in function %s>" % name

        def __getattribute__(self, attribute):
            raise AttributeError("'builtin_function_or_method' object has no attribute %r" % attribute)

    return builtin_function_or_method()


def read_only(*_, **__):
    raise TypeError("read-only")


class Builtins(dict):
    """The table of builtins: to be read by item and by attribute."""

    __slots__ = ()
    __setitem__ = __delitem__ = __setattr__ = __delattr__ = __ior__ = read_only
    update = setdefault = pop = popitem = clear = read_only

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def whole_name(name, package):
    """The name that a relative one stands for; as it is, where nothing says from where."""
    dots = len(name) - len(name.lstrip("."))
    if not dots or not isinstance(package, str) or not package:
        return name
    parts = package.split(".")
    if dots > len(parts):
        return name
    return ".".join([*parts[: len(parts) - dots + 1], *filter(None, [name[dots:]])])


class Importing:
    """`__import__` and importlib, held to the lists: what code asks for always, what packages ask importlib for unless that is trusted."""

    def __init__(self, lists, trusting):
        self.lists, self.trusting = lists, trusting

    def check(self, name, package=None):
        if isinstance(name, str):
            refuse_while_running(self.lists.refused(whole_name(name, package)))

    def wrapped(self, real, always):
        def __import__(name, globals=None, locals=None, fromlist=(), level=0):
            # C code (datetime loading time) comes with a list.
            if type(fromlist) is not list and (always or self.asks(sys._getframe(1))):
                package = globals.get("__package__") if isinstance(globals, dict) else None
                dots = level if type(level) is int and level > 0 else 0
                self.check("." * dots + name if isinstance(name, str) else name, package if dots else None)
            return real(name, globals, locals, fromlist, level)

        return disguised("__import__", __import__)

    def asks(self, frame):
        """Whether who asks is to be held to the lists."""
        return not self.trusting or frame.f_back is not None and frame.f_back.f_code.co_filename == CODE

    def guard(self, importlib):
        importlib.__import__ = self.wrapped(importlib.__import__, False)
        real = importlib.import_module

        def import_module(name, package=None):
            if self.asks(sys._getframe(1)):
                self.check(name, package)
            return real(name, package)

        importlib.import_module = disguised("import_module", import_module)


def template_of(method, receiver, values):
    """What a call of a format method reads its fields from; nothing where it is another's method."""
    if isinstance(receiver, type):
        # str.format(template, ...), Formatter.format(formatter, template, ...)
        first = values[0] if values else None
        if issubclass(receiver, str):
            return first
        return template_of(method, first, values[1:]) if is_formatter(first) else None
    if isinstance(receiver, str):
        return receiver
    if is_formatter(receiver):
        return values[0] if values else None
    strings = sys.modules.get("collections")
    if strings is not None and isinstance(receiver, strings.UserString):
        return receiver.data
    return None


def is_formatter(value):
    string = sys.modules.get("string")
    return string is not None and isinstance(value, string.Formatter)


def call_format(*given, **named):
    """A call `receiver.method(...)` that a format template may be in."""
    method, receiver, *values = given
    template = template_of(method, receiver, values)
    if isinstance(template, str):
        read = read_in_field(template) if method == "get_field" else read_in_template(template)
        if read:
            raise SecurityViolationError("Security violations detected", template_text(read))
    return getattr(receiver, method)(*values, **named)


def with_guard(tree):
    """The tree with calls of format methods made calls of the guard."""
    from _ast import Constant, Load, Name

    # All are found before the first is changed: receivers are calls too.
    for node in [node for kind, node in walk(tree) if is_format_call(kind, node)]:
        function, place = node.func, {name: getattr(node.func, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
        node.args = [Constant(function.attr, kind=None, **place), function.value, *node.args]
        node.func = Name(GUARD, Load(), **place)
    return tree
