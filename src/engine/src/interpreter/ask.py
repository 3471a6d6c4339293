"""What a CPython is and needs, as one JSON object on stdout; the executor's source comes on descriptor 3. Run with -I -S by the interpreter in question.

It sees its own files only, so that whether a place exists is for the reader to say."""
import json
import os
import sys


def venv_config():
    """The pyvenv.cfg that this interpreter obeys: beside the executable or one directory above."""
    here = os.path.dirname(sys.executable)
    for directory in (here, os.path.dirname(here)):
        config = os.path.join(directory, "pyvenv.cfg")
        if os.path.isfile(config):
            return config
    return None


def includes_system_site(config):
    with open(config, encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.partition("=")
            if key.strip().lower() == "include-system-site-packages":
                return value.strip().lower() == "true"
    return False


def site_packages(config):
    """Where `site` would look, without running a .pth file. User site-packages are not among them."""
    import site

    prefixes = [sys.base_prefix, sys.base_exec_prefix]
    own = []
    if config is not None:
        own = [os.path.dirname(config)]
        # Before 3.14, only `site` sets these for a venv; Debian's getsitepackages looks at them.
        sys.prefix = sys.exec_prefix = own[0]
        if not includes_system_site(config):
            prefixes = []
    return site.getsitepackages(own + prefixes)


def zoneinfo():
    import sysconfig

    return [place for place in (sysconfig.get_config_var("TZPATH") or "").split(os.pathsep) if place]


def within():
    """Names of modules that no file has."""
    import _imp

    frozen = getattr(_imp, "_frozen_module_names", list)()
    here = [name for name, module in sys.modules.items() if getattr(module, "__file__", None) is None]
    return sorted({*sys.builtin_module_names, *frozen, *here})


def compiled(text):
    return compile(text, "<remand>", "exec", dont_inherit=True, optimize=2)


def main():
    answer = {"implementation": sys.implementation.name, "version": list(sys.version_info[:3])}
    if answer["implementation"] == "cpython" and sys.version_info >= (3, 9):
        import _imp
        import marshal

        program, *layers = [text if number % 2 else compiled(text) for number, text in enumerate(open(3, "rb").read().split(b"\0"))]
        layers = {name.decode(): marshal.dumps(code) for name, code in zip(layers[::2], layers[1::2])}
        config = venv_config()
        answer["paths"] = sys.path
        answer["zoneinfo"] = zoneinfo()
        answer["site"] = site_packages(config)
        answer["prefix"] = sys.prefix
        answer["builtin"] = within()
        answer["suffixes"] = _imp.extension_suffixes()
        answer["executor"] = marshal.dumps((program, layers)).hex()
    json.dump(answer, sys.stdout)


main()
