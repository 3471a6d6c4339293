# The names that the code finds: built-in ones, modules, its own source, its own `__main__`.
#
# The import lists and denied builtins are a friendly layer with clear messages, never a protection: user code can get around them, not out of the run.


def find_spec(name, places):
    return sys.modules["_frozen_importlib_external"].PathFinder.find_spec(name, places)


def listed(names):
    text = ", ".join(sorted(names))
    return (text[:300] + "..." if len(text) > 300 else text) or "nothing"


class Imports:
    """Which modules the policy lets the code import. `own`: where its own modules lie, if it can have some; what is found nowhere is then Python's to tell."""

    def __init__(self, security, standard_path, own=None):
        self.standard_allow, self.external_allow = security["stdlib_allow"], security["external_allow"]
        self.standard_path, self.own = standard_path, own

    def are_free(self):
        return self.standard_allow == ["*"] and self.external_allow == ["*"]

    def is_standard(self, name):
        # 3.9 has no list, and that of others lacks `test`. What is built in, or found where the bare interpreter looks, is the standard library.
        known = name in sys.builtin_module_names or name in getattr(sys, "stdlib_module_names", ())
        return known or find_spec(name, self.standard_path) is not None

    def is_own(self, name):
        return name == "__main__" or self.own is not None and (find_spec(name, self.own) is not None or find_spec(name, None) is None)

    def allow(self, name):
        return self.is_standard(name) or "*" in self.external_allow or name in self.external_allow

    def check(self, name):
        is_standard = self.is_standard(name)
        field, allow = ("stdlib_allow", self.standard_allow) if is_standard else ("external_allow", self.external_allow)
        if "*" in allow or name in allow or not is_standard and self.is_own(name):
            return
        what = "standard library module" if is_standard else "external package"
        error = ImportError("import of %s %r is not allowed by python.%s of the policy" % (what, name, field), name=name)
        error.description = "python.%s allows: %s" % (field, listed(allow))
        error.denied_by = field
        raise error

    def hook(self, real):
        def __import__(name, globals=None, locals=None, fromlist=(), level=0):
            # Modules import what they need, and so does C code (datetime loading _strptime), which comes with a list.
            # Whoever calls this as a function says nothing of itself.
            by = globals or sys._getframe(1).f_globals
            if level == 0 and type(fromlist) is not list and by.get("__spec__") is None and isinstance(name, str):
                self.check(name.partition(".")[0])
            return real(name, globals, locals, fromlist, level)

        return __import__


def exit(code=None):
    raise SystemExit(code)


def help(*things, **named):
    """Tells about a Python object."""
    from pydoc import help

    return help(*things, **named)


def settle_builtins(security, imports):
    """What `__builtins__` of the code is: the module itself, so that what is patched there is patched for it, unless the policy takes some away."""
    builtins.exit = builtins.quit = exit
    builtins.help = help
    if not imports.are_free():
        builtins.__import__ = imports.hook(builtins.__import__)
    names = builtins
    if security["builtins_deny"]:
        names = {name: value for name, value in builtins.__dict__.items() if name not in security["builtins_deny"]}
    return names


class Source:
    """Puts the code's text into linecache, where tracebacks and `inspect` look, once somebody imports that: importing it here would double the start."""

    def __init__(self, file, text):
        self.file, self.text = file, text

    def add(self, linecache):
        lines = [line + "\n" for line in lines_of(self.text)]
        linecache.cache[self.file] = len(self.text), None, lines, self.file

    def find_spec(self, name, path=None, target=None):
        if name != "linecache":
            return None
        sys.meta_path.remove(self)
        spec = sys.modules["_frozen_importlib"]._find_spec(name, path, target)
        source, real = self, spec.loader

        class Loader:
            create_module = real.create_module

            @staticmethod
            def exec_module(module):
                module.__loader__ = spec.loader = real
                real.exec_module(module)
                source.add(module)

        spec.loader = Loader
        return spec


def remember(file, text):
    source = Source(file, text)
    if "linecache" in sys.modules:
        source.add(sys.modules["linecache"])
    else:
        sys.meta_path.insert(0, source)
