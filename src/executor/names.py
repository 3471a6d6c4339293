# The names that the code finds: built-in ones, modules, its own source, its own `__main__`.
#
# The import lists and denied builtins are a friendly layer with clear messages, never a protection: user code can get around them, not out of the run.


def find_spec(name, places):
    return sys.modules["_frozen_importlib_external"].PathFinder.find_spec(name, places)


def listed(names):
    text = ", ".join(sorted(names))
    return (text[:300] + "..." if len(text) > 300 else text) or "nothing"


def is_code(frame):
    """Whether a frame is the code's own: modules that were imported have a spec."""
    return frame.f_globals.get("__spec__") is None


def as_it_was(made, real):
    """One function in the place of another, under its name."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(made, name, getattr(real, name))
    return made


class Imports:
    """Which modules the policy lets the code import, judged by their first name. `own`: where its own modules lie, if it can have some; what is found
    nowhere is then Python's to tell."""

    def __init__(self, security, standard_path, own=None):
        self.standard_allow, self.external_allow = security["stdlib_allow"], security["external_allow"]
        self.standard_path, self.own = standard_path, own
        self.places, self.finders = [*sys.path], [*sys.meta_path]
        self.installed = tuple(place + "/" for place in self.places if place)

    def are_free(self):
        return self.standard_allow == ["*"] and self.external_allow == ["*"]

    def is_standard(self, name):
        # 3.9 has no list, and that of others lacks `test`, which is not installed everywhere. What is built in or frozen, or found where the bare
        # interpreter looks, is the standard library.
        known = name == "test" or name in sys.builtin_module_names or name in getattr(sys, "stdlib_module_names", ())
        return known or sys.modules["_imp"].is_frozen(name) or find_spec(name, self.standard_path) is not None

    def is_installed(self, name):
        """Whether it was there before the code put places or finders of its own beside."""
        others = [finder for finder in self.finders if finder is not sys.modules["_frozen_importlib_external"].PathFinder]
        return find_spec(name, self.places) is not None or any(finder.find_spec(name, None) is not None for finder in others)

    def is_own(self, name):
        return name == "__main__" or self.own is not None and (find_spec(name, self.own) is not None or not self.is_installed(name))

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
            by = globals if globals and isinstance(globals, dict) else sys._getframe(1).f_globals
            if level == 0 and type(fromlist) is not list and by.get("__spec__") is None and isinstance(name, str):
                self.check(name.partition(".")[0])
            return real(name, globals, locals, fromlist, level)

        # A file that `warnings` takes for Python's own machinery: what warns of an import means the line of the import.
        __import__.__code__ = __import__.__code__.replace(co_filename="<frozen importlib._bootstrap>")
        return as_it_was(__import__, real)

    def check_for(self, frame, name, package=None):
        name = package if isinstance(name, str) and name.startswith(".") else name
        if isinstance(name, str) and is_code(frame):
            self.check(name.partition(".")[0])

    def guard(self, importlib):
        importlib.__import__ = self.hook(importlib.__import__)
        real = importlib.import_module

        def import_module(name, package=None):
            self.check_for(sys._getframe(1), name, package)
            return real(name, package)

        importlib.import_module = as_it_was(import_module, real)

    def guard_util(self, util):
        real_find, real_make = util.find_spec, util.module_from_spec

        def find_spec(name, package=None):
            found = real_find(name, package)
            # Where packages are shown, none of this name is the truth.
            if found is not None or not self.external_allow:
                self.check_for(sys._getframe(1), name, package)
            return found

        def module_from_spec(spec):
            # What the code found in a file of its own is its own, whatever its name.
            if str(getattr(spec, "origin", "")).startswith(self.installed):
                self.check_for(sys._getframe(1), spec.name)
            return real_make(spec)

        util.find_spec = as_it_was(find_spec, real_find)
        util.module_from_spec = as_it_was(module_from_spec, real_make)


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
        Loaded.then("importlib", imports.guard)
        Loaded.then("importlib.util", imports.guard_util)
    names = builtins
    if security["builtins_deny"]:
        names = {name: value for name, value in builtins.__dict__.items() if name not in security["builtins_deny"]}
    return names


class Loaded:
    """Does something to a module once somebody imports it: importing it here would double the start."""

    waiting = {}

    @classmethod
    def then(cls, name, act):
        if name in sys.modules:
            return act(sys.modules[name])
        cls.waiting.setdefault(name, []).append(act)
        if cls not in sys.meta_path:
            sys.meta_path.insert(0, cls)

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        acts = cls.waiting.pop(name, None)
        if acts is None:
            return None
        if not cls.waiting:
            sys.meta_path.remove(cls)
        spec = sys.modules["_frozen_importlib"]._find_spec(name, path, target)
        real = spec.loader

        class Loader:
            create_module = real.create_module

            @staticmethod
            def exec_module(module):
                module.__loader__ = spec.loader = real
                real.exec_module(module)
                for act in acts:
                    act(module)

        spec.loader = Loader
        return spec


NO_SCREEN = """plt.show() shows nothing here, there is no screen: `remand python --value display` gives the figures that a program shows with its outcome, and \
`plt.savefig("figure.png")` with `--artifacts figure.png` gives a file
"""


def hint_at_figures(pyplot):
    """`plt.show()` of a program that shows nothing says so, once, instead of being silent."""
    real, said = pyplot.show, []

    def show(*arguments, **named):
        if str(pyplot.get_backend()).lower() != "agg":
            return real(*arguments, **named)
        if not said:
            said.append(sys.stderr.write(NO_SCREEN))

    pyplot.show = as_it_was(show, real)


def remember(file, code):
    """Puts the code's text into linecache, where tracebacks and `inspect` look."""

    def add(linecache):
        text = text_of_code(code)
        lines = [line + "\n" for line in lines_of(text)]
        linecache.cache[file] = len(text), None, lines, file

    Loaded.then("linecache", add)
