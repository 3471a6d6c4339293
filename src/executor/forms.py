# Forms of types that JSON does not have: which value stands for one. By the class, or the nearest one above it, as (package, name): nothing is imported to
# look, so that a class which only calls itself so changes the form of its own values and nothing else.
#
# Always holds: what comes out is a basic type; what has no form that means one thing only is a TypeError which says what to call. Nothing is shortened and
# nothing is told by its `repr`.


def name_of(kind):
    """The whole name of a class, without the modules that everybody knows."""
    module, name = str(getattr(kind, "__module__", "")), str(getattr(kind, "__qualname__", ""))
    return clip(name if module in ("builtins", "__main__", "") else module + "." + name, 200)


def refuse(value, *ways):
    raise TypeError("a value of type %s has no form in JSON: use %s, where x is the value" % (name_of(type(value)), " or ".join(ways)))


def once(value, forms):
    """One step towards a basic type."""
    for base, make in BASES:
        if isinstance(value, base):
            return make(value)
    for base in type(value).__mro__:
        make = made_forms().get((str(base.__module__).partition(".")[0], base.__qualname__))
        if make is not None:
            return make(value, forms)
    if hasattr(type(value), "__dataclass_fields__"):
        return {field.name: getattr(value, field.name) for field in sys.modules["dataclasses"].fields(value)}
    refuse(value, *ways_of(value))


def plain(value, forms):
    """A value of a basic type: subclasses by their base, others by what their type is known to mean."""
    for _ in range(16):
        value = once(value, forms)
        if type(value) in SCALARS or type(value) in CONTAINERS:
            return value
    refuse(value, "str(x)")


ALL = slice(None)
BASES = (
    (str, lambda value: str.__getitem__(value, ALL)),
    (int, lambda value: int.__int__(value)),
    (float, lambda value: float.__float__(value)),
    (dict, lambda value: dict(value)),
    (list, lambda value: list.__getitem__(value, ALL)),
    (tuple, lambda value: list(tuple.__iter__(value))),
)


def ways_of(value):
    """What makes a value of an unknown type plain, by what the type can do."""
    kind = type(value)
    has = lambda *names: all(any(name in base.__dict__ for base in kind.__mro__) for name in names)
    if isinstance(value, type):
        return ("x.__name__",)
    if isinstance(value, BaseException):
        return ("str(x)",)
    if isinstance(value, complex):
        return ("[x.real, x.imag]", "str(x)")
    if has("savefig"):
        return ('b = io.BytesIO(); x.savefig(b, format="png"); b.getvalue()',)
    if has("get_figure"):
        return ("x.get_figure()",)
    if has("save", "tobytes"):
        return ('b = io.BytesIO(); x.save(b, "PNG"); b.getvalue()',)
    for name in ("tolist", "to_list", "to_pylist", "to_dicts", "to_dict", "model_dump", "getvalue", "toarray"):
        if has(name):
            return ("x.%s()" % name,)
    if has("__attrs_attrs__"):
        return ("attrs.asdict(x)",)
    if has("__await__"):
        return ("await x",)
    if has("__aiter__"):
        return ("[y async for y in x]",)
    if has("read", "close"):
        return ("x.read()",)
    if has("__iter__") or has("__getitem__", "__len__"):
        return ("list(x)",)
    if callable(value):
        return ("what it gives when it is called: x()",)
    return ("vars(x)", "str(x)") if hasattr(value, "__dict__") and kind.__module__ != "builtins" else ("str(x)",)


def based(value):
    """Bytes as the only member of an object, in base 64."""
    from binascii import b2a_base64

    return {"$bytes": b2a_base64(bytes(value), newline=False).decode()}


def ordered(value):
    """A set as a list, in order where its members have one."""
    return attempt(sorted, None, value) or list(value)


def duration(count, per_second=1):
    """A length of time as ISO 8601 writes it."""
    seconds, rest = divmod(abs(count), per_second)
    (minutes, seconds), fraction = divmod(seconds, 60), ""
    (hours, minutes) = divmod(minutes, 60)
    (days, hours) = divmod(hours, 24)
    if rest:
        fraction = "." + str(per_second + rest)[1:].rstrip("0")
    time = ("%dH" % hours if hours else "") + ("%dM" % minutes if minutes else "") + ("%d%sS" % (seconds, fraction) if seconds or rest else "")
    date = "%dD" % days if days else ""
    return ("-" if count < 0 else "") + "P" + date + ("T" + time if time else "" if date else "T0S")


def span(value):
    """A timedelta; that of pandas has nanoseconds besides."""
    micros = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    return duration(micros * 1000 + getattr(value, "nanoseconds", 0), 10**9)


# Units of numpy's lengths of time: how many seconds, or how many to a second.
SECONDS = {"W": 604800, "D": 86400, "h": 3600, "m": 60, "s": 1}
FRACTIONS = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}


def numpy_span(unit, step):
    if unit in ("Y", "M", "generic"):
        return lambda count: "%sP%d%s" % ("-" if count < 0 else "", abs(count) * step, unit)
    if unit in SECONDS:
        return lambda count: duration(count * step * SECONDS[unit])
    return lambda count: duration(count * step, FRACTIONS[unit])


def numpy_times(value, kind):
    """Moments and lengths of time of numpy in any unit, as ISO text; what is not a time is None."""
    numpy = sys.modules["numpy"]
    if kind == "M":
        texts = value.astype("U").astype(object)
    else:
        unit, step = numpy.datetime_data(value.dtype)
        if unit == "generic" and not numpy.isnat(value).all():
            refuse(value, 'x.astype("timedelta64[s]") with its unit')
        write, counts = numpy_span(unit, step), numpy.asarray(value).astype("int64")
        texts = numpy.array([*map(write, counts.ravel().tolist())], dtype=object).reshape(counts.shape)
    return numpy.where(numpy.isnat(value), None, texts).tolist()


def numpy_value(value, forms):
    """A scalar or an array of numpy."""
    kind, size = value.dtype.kind, value.dtype.itemsize
    if type(value).__module__.partition(".")[0] != "numpy":
        refuse(value, "x.tolist()")
    if kind in "Mm":
        return numpy_times(value, kind)
    if kind == "c":
        refuse(value, "[x.real.tolist(), x.imag.tolist()]", "str(x)")
    if kind == "f" and size > 8:
        longer, value = value, value.astype("float64")
        if not ((value == longer) | (longer != longer)).all():
            refuse(longer, 'x.astype("float64") (the nearest numbers that JSON readers know)', "str(x)")
    if kind == "V":
        names = value.dtype.names
        if names is None:
            return bytes(value.tobytes()) if value.shape == () else [*value]
        return {name: value[name] for name in names} if value.shape == () else [*value]
    return value.tolist()


def carries_labels(index):
    """Whether an index says more than the numbers of rows, which is what a table without labels has. By its kind, not by what it holds: the form of a value is that
    of all values which are made alike."""
    numbers = type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
    return index.name is not None or not numbers


def members_of(column):
    """The values of a column: what is missing from one of floats is NaN, which the code may have computed; from any other it is None."""
    values = column.tolist()
    if getattr(column.dtype, "kind", "") == "f":
        return values
    return [None if missing else value for value, missing in zip(values, column.isna().tolist())]


def table(value, forms):
    """A DataFrame as its rows."""
    if forms.pandas == "error":
        error = TypeError("a value of type pandas.DataFrame has no form in JSON of its own: use x.to_dict(\"records\"), where x is the value")
        error.description = 'result.pandas of the policy ("records") makes it the list of its rows'
        raise error
    if carries_labels(value.index):
        value = value.reset_index()
    names = value.columns.tolist()
    twice = [name for name in {*names} if names.count(name) > 1]
    if twice:
        raise ValueError("%d columns of the DataFrame have one name: %.60r" % (names.count(twice[0]), twice[0]))
    columns = [members_of(value.iloc[:, index]) for index in range(len(names))]
    return [dict(zip(names, row)) for row in zip(*columns)] if names else [{} for _ in range(len(value))]


def series(value, forms):
    """A Series as a list; with the labels of its index, as a table is."""
    if forms.pandas == "error":
        error = TypeError("a value of type pandas.Series has no form in JSON of its own: use x.tolist() or x.to_dict(), where x is the value")
        error.description = 'result.pandas of the policy ("records") makes it the list of its values'
        raise error
    if carries_labels(value.index):
        return value.to_frame("value" if value.name is None else value.name).reset_index()
    return members_of(value)


MADE = {}


def made_forms():
    """Made when the first value of such a type comes."""
    if not MADE:
        text = lambda value, forms: str.__getitem__(str(value), ALL)
        members = lambda value, forms: list(value)
        listed = lambda value, forms: value.tolist()
        nothing = lambda value, forms: None
        iso = lambda value, forms: value.isoformat()
        whole = lambda value, forms: based(value)
        for make, package, names in (
            (whole, "builtins", "bytes bytearray memoryview"),
            (lambda value, forms: ordered(value), "builtins", "set frozenset"),
            (members, "builtins", "dict_keys dict_values dict_items odict_keys odict_values odict_items"),
            (lambda value, forms: dict(value), "builtins", "mappingproxy"),
            (lambda value, forms: value.value, "enum", "Enum"),
            (iso, "datetime", "datetime date time"),
            (lambda value, forms: span(value), "datetime", "timedelta"),
            (text, "decimal", "Decimal"),
            (text, "_decimal", "Decimal"),
            (text, "fractions", "Fraction"),
            (text, "uuid", "UUID"),
            (text, "pathlib", "PurePath"),
            (text, "ipaddress", "_IPAddressBase"),
            (lambda value, forms: vars(value), "types", "SimpleNamespace"),
            (text, "collections", "UserString"),
            (members, "collections", "deque Set ValuesView Sequence"),
            (lambda value, forms: dict(value), "collections", "Mapping"),
            (listed, "array", "array"),
            (lambda value, forms: refuse(value, "x.tolist() (None where it is masked)", "x.filled(...)"), "numpy", "MaskedArray"),
            (numpy_value, "numpy", "ndarray generic"),
            (nothing, "pandas", "NAType NaTType"),
            (text, "pandas", "Period"),
            (lambda value, forms: members_of(value), "pandas", "Index ExtensionArray"),
            (table, "pandas", "DataFrame"),
            (series, "pandas", "Series"),
        ):
            for name in names.split():
                MADE[package, name] = make
    return MADE
