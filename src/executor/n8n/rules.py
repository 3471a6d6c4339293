# What n8n's runner refuses: modules, names, attributes, templates; with its texts. A layer for the sake of its messages, never a protection: what protects is
# the run.
#
# Put together with the other files of this directory, in the order in which `src/plan/src/interpreter.rs` names them; compiled with the executor, and
# executed in a copy of its names, for tasks of n8n only.

GUARD = "__n8n_internal_safe_format__"
BLOCKED_NAMES = {"__loader__", "__builtins__", "__globals__", "__spec__", "__name__", GUARD}
BLOCKED_ATTRIBUTES = set(
    """
    __subclasses__ __globals__ __builtins__ __traceback__ tb_frame tb_next f_back f_globals f_locals f_code f_builtins __getattribute__ __qualname__ __module__
    gi_frame gi_code gi_yieldfrom cr_frame cr_code ag_frame ag_code obj __thisclass__ __self_class__ __objclass__ __reduce__ __reduce_ex__ __prepare__
    __instancecheck__ __subclasscheck__ __match_args__ __base__ __class__ __bases__ __code__ __closure__ __loader__ __cached__ __dict__ __import__ __mro__
    __init_subclass__ __getattr__ __setattr__ __delattr__ __self__ __func__ __wrapped__ __annotations__ __spec__
    """.split()
)
FORMATS = {"format", "format_map", "vformat", "get_field"}

BYPASS = "%s is disallowed, because it can be used to bypass security restrictions."
RELATIVE = "Relative imports are disallowed."
DYNAMIC = "Dynamic __import__() calls are not allowed for security reasons."
MANGLED = "Access to name-mangled attributes (pattern: _ClassName__attr) is disallowed for security reasons."
BOUND = "Extracting %r as a bound method is disallowed; call it directly on its receiver instead."
POSITIONAL = "Positional match patterns are disallowed for security reasons."


def name_text(name):
    return BYPASS % ("Access to name %r" % name)


def attribute_text(name):
    return BYPASS % ("Access to attribute %r" % name)


def template_text(name):
    return BYPASS % ("String pattern accessing %r" % name)


class Lists:
    """Which modules code may import; the first part of a name decides."""

    def __init__(self, task, job):
        self.standard, self.external = {*task["stdlib"]}, {*task["external"]}
        self.job = job

    def are_free(self):
        return "*" in self.standard and "*" in self.external

    def is_standard(self, first):
        known = getattr(sys, "stdlib_module_names", None)
        return first in known if known is not None else Imports(self.job["security"], self.job["standard_path"]).is_standard(first)

    def refused(self, name):
        """Why a module may not be imported."""
        if name.startswith("."):
            return RELATIVE
        first = name.partition(".")[0]
        allowed, kind, others = (
            (self.standard, "standard library module", "stdlib modules")
            if self.is_standard(first)
            else (self.external, "external package", "external packages")
        )
        if "*" in allowed or first in allowed:
            return None
        return "Import of %s %r is disallowed. Allowed %s: %s" % (kind, name, others, ", ".join(sorted(allowed)) or "none")


def read_in_template(template):
    """The first blocked part of a value that a format template reads; nothing where it is no template."""
    if "{" not in template:
        return None
    from _string import formatter_parser

    try:
        for _, field, spec, _ in formatter_parser(str.__str__(template)):
            found = field and read_in_field(field) or spec and read_in_template(spec)
            if found:
                return found
    except ValueError:
        pass
    return None


def read_in_field(field):
    from _string import formatter_field_name_split

    try:
        for _, name in formatter_field_name_split(field)[1]:
            bare = str(name).strip("'\"")
            if bare in BLOCKED_ATTRIBUTES or bare in BLOCKED_NAMES:
                return bare
    except ValueError:
        pass
    return None
