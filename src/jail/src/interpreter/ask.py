"""What a CPython is and needs, as one JSON object on stdout; the executor's source comes on stdin. Run with -I -S by the interpreter in question."""
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
    """As `site` would find them, without running a .pth file. User site-packages are not among them."""
    import site

    prefixes = [sys.base_prefix, sys.base_exec_prefix]
    own = []
    if config is not None:
        own = [os.path.dirname(config)]
        # Before 3.14, only `site` sets these for a venv; Debian's getsitepackages looks at them.
        sys.prefix = sys.exec_prefix = own[0]
        if not includes_system_site(config):
            prefixes = []
    return [path for path in site.getsitepackages(own + prefixes) if os.path.isdir(path)]


def zoneinfo():
    import sysconfig

    places = (sysconfig.get_config_var("TZPATH") or "").split(os.pathsep)
    return next((place for place in places if os.path.isdir(place)), None)


def main():
    answer = {"implementation": sys.implementation.name, "version": list(sys.version_info[:3])}
    if answer["implementation"] == "cpython" and sys.version_info >= (3, 9):
        import marshal

        code = compile(sys.stdin.buffer.read(), "<remand>", "exec", dont_inherit=True, optimize=2)
        config = venv_config()
        answer["executable"] = sys.executable
        answer["paths"] = [path for path in sys.path if os.path.exists(path)]
        answer["venv"] = config
        answer["zoneinfo"] = zoneinfo()
        answer["site"] = site_packages(config)
        answer["prefix"] = sys.prefix
        answer["executor"] = marshal.dumps(code).hex()
    json.dump(answer, sys.stdout)


main()
