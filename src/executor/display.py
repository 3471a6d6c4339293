# What a program shows as a notebook would (`--value display`): `display()`, the value of its last expression, open matplotlib figures, each as a MIME bundle.
# Compiled only where it is asked for, in the globals of the rest, with `DISPLAY` being the class that `script.py` asks.
#
# Always holds: every method that gives a form is the code's own: what it gives is checked here, and once more by the supervisor; one that fails is told on
# standard error and the others count; bytes are base64; limits.result_size holds all of it together.

# Forms as IPython has them: which method gives which type.
METHODS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_pdf_", "application/pdf"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
    ("_repr_javascript_", "application/javascript"),
)
MOST_FORMS, LONGEST_TYPE = 32, 100
BACKEND = "_remand_display"


def is_mime(name):
    """type/subtype, in the characters that RFC 6838 has for them."""
    halves = name.split("/") if type(name) is str and len(name) <= LONGEST_TYPE and name.isascii() else ()
    return len(halves) == 2 and all(half and half[0].isalnum() and all(c.isalnum() or c in "!#$&-^_.+" for c in half) for half in halves)


def is_json(mime):
    return mime == "application/json" or mime.endswith("+json")


def is_binary(mime):
    return mime == "application/pdf" or mime.startswith(("image/", "audio/", "video/")) and not mime.endswith("+xml")


def content_of(mime, value):
    """What a type is to have: any JSON, base64, or text."""
    if is_json(mime):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(line, str) for line in value):
        value = "".join(value)  # as notebooks store text
    if is_binary(mime):
        from binascii import a2b_base64, b2a_base64

        if isinstance(value, (bytes, bytearray, memoryview)):
            return b2a_base64(bytes(value), newline=False).decode()
        if isinstance(value, str):
            return b2a_base64(a2b_base64(value.encode()), newline=False).decode()
        raise TypeError("%s is bytes or base64, not %s" % (mime, name_of(type(value))))
    if isinstance(value, str):
        return paired(str.__getitem__(value, ALL))
    raise TypeError("%s is text, not %s" % (mime, name_of(type(value))))


def is_done_by(value, name):
    """A method of the value's class: not what `__getattr__` makes up, and not a class's own for its instances."""
    found = [base.__dict__[name] for base in type(value).__mro__ if name in base.__dict__]
    return not isinstance(value, type) and bool(found) and found[0] is not None


def told_of(error, what):
    """One form that failed does not keep the others from being shown."""
    if not isinstance(error, Exception):
        raise error
    sys.stderr.write("%s: %s: %s\n" % (what, class_of(error), message_of(error)))


class Bundle:
    """The forms of one value."""

    def __init__(self, include=None, exclude=None):
        self.data, self.metadata = {}, {}
        self.include, self.exclude = include, exclude or ()

    def wants(self, mime):
        return (self.include is None or mime in self.include) and mime not in self.exclude

    def put(self, mime, value, metadata=None):
        if value is None or not self.wants(mime) or len(self.data) >= MOST_FORMS and mime not in self.data:
            return
        if not is_mime(mime):
            raise ValueError("%.100r is no MIME type" % (mime,))
        self.data[mime] = content_of(mime, value)
        if metadata:
            self.metadata[mime] = metadata

    def put_all(self, given):
        """A dict of forms, or that and one of what is to be known of them."""
        data, metadata = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if not isinstance(data, dict):
            raise TypeError("_repr_mimebundle_ gives a dict, not %s" % name_of(type(data)))
        metadata = metadata if isinstance(metadata, dict) else {}
        for mime, value in dict.items(data):
            try:
                self.put(mime, value, metadata.get(mime))
            except BaseException as error:
                told_of(error, "_repr_mimebundle_")

    def of(self, value):
        """All forms that a value has; what it prints as is always one."""
        if is_figure(value):
            self.attempt("savefig", lambda: self.put("image/png", picture(value)))
        if is_done_by(value, "_repr_mimebundle_"):
            self.attempt("_repr_mimebundle_", self.bundle, value)
        for name, mime in METHODS:
            if mime not in self.data and self.wants(mime) and is_done_by(value, name):
                self.attempt(name, self.form, value, name, mime)
        if "text/plain" not in self.data and self.wants("text/plain"):
            self.data["text/plain"] = self.text(value)
        return self

    def attempt(self, name, act, *arguments):
        try:
            act(*arguments)
        except BaseException as error:
            told_of(error, name)

    def bundle(self, value):
        given = value._repr_mimebundle_(include=self.include, exclude=self.exclude or None)
        if given is not None:
            self.put_all(given)

    def form(self, value, name, mime):
        given = getattr(value, name)()
        data, metadata = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        self.put(mime, data, metadata)

    def text(self, value):
        try:
            return paired(str.__getitem__(repr(value), ALL))
        except BaseException as error:
            told_of(error, "__repr__")
            return "<%s>" % name_of(type(value))


def is_figure(value):
    """One of matplotlib, which is loaded then."""
    figures = sys.modules.get("matplotlib.figure")
    return isinstance(value, getattr(figures, "Figure", ()))


def picture(figure):
    from io import BytesIO

    out = BytesIO()
    figure.savefig(out, format="png", bbox_inches="tight")
    return out.getvalue()


class Display:
    """Sends what is shown."""

    def __init__(self, results):
        self.results = results

    def install(self, names):
        for place in (builtins.__dict__, getattr(names, "__dict__", names)):
            place["display"] = self.display
        Loaded.then("matplotlib", self.choose_backend)
        for name in ("IPython.core.display_functions", "IPython.core.display", "IPython.display"):
            Loaded.then(name, self.instead)

    def instead(self, module):
        """IPython shows nothing where it does not run itself."""
        if hasattr(module, "display"):
            module.display = self.display

    def send(self, bundle, kind="display_data"):
        if posix.getpid() != PID or pipe_of(FRAMES) != CHANNEL:
            return
        attempt(lambda: sys.stdout.flush(), None)
        # Values in metadata and of JSON types are encoded as results are.
        head = b'{"kind":"show","as":"%s","bundle":' % kind.encode()
        send(self.results.frame(head, {"data": bundle.data, "metadata": bundle.metadata}))

    def display(self, *objects, include=None, exclude=None, metadata=None, raw=False, display_id=None, transient=None, clear=False, **named):
        """Shows values as a notebook does, each in all forms that it has. With raw=True they are such forms themselves: {"text/html": ...}."""
        for value in objects:
            bundle = Bundle(include, exclude)
            if raw:
                bundle.put_all(value)
            elif is_done_by(value, "_ipython_display_"):
                value._ipython_display_()
                continue
            else:
                bundle.of(value)
            if isinstance(metadata, dict):
                bundle.metadata.update(metadata)
            self.send(bundle)

    def last(self, value):
        """The value of the last expression, as a notebook shows it: None is nothing to see."""
        if value is None:
            return
        if is_done_by(value, "_ipython_display_"):
            return value._ipython_display_()
        self.send(Bundle().of(value), "execute_result")

    def figures(self, *arguments, **named):
        """Shows the figures of matplotlib that are open, and closes them."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        for number in pyplot.get_fignums() if pyplot is not None else ():
            figure = pyplot.figure(number)
            try:
                self.send(Bundle().of(figure))
            finally:
                pyplot.close(figure)

    def choose_backend(self, matplotlib):
        """One of ours, unless somebody chose another: a module that is made when it is first looked for."""
        if b"MPLBACKEND" in posix.environ:
            return
        shows = self
        spec = sys.modules["_frozen_importlib"].ModuleSpec

        class Maker:
            @staticmethod
            def find_spec(name, path=None, target=None):
                return spec(name, Maker) if name == BACKEND else None

            @staticmethod
            def create_module(spec):
                return None

            @staticmethod
            def exec_module(module):
                from matplotlib.backend_bases import FigureManagerBase
                from matplotlib.backends.backend_agg import FigureCanvasAgg

                class FigureManager(FigureManagerBase):
                    def show(self):
                        shows.figure_of(self)

                class FigureCanvas(FigureCanvasAgg):
                    manager_class = FigureManager

                module.FigureCanvas, module.FigureManager = FigureCanvas, FigureManager
                module.show = shows.figures

        sys.meta_path.append(Maker)
        matplotlib.rcParams["backend"] = "module://" + BACKEND

    def figure_of(self, manager):
        """`figure.show()`."""
        self.send(Bundle().of(manager.canvas.figure))
        sys.modules["matplotlib.pyplot"].close(manager.canvas.figure)


DISPLAY = Display
