import sys

print(sys.flags.optimize, sys.flags.utf8_mode, sys.flags.dev_mode, sys.flags.hash_randomization, sys.flags.bytes_warning, sys.flags.verbose)
print(sys.warnoptions, sys._xoptions, sys.pycache_prefix, sys.executable == sys._base_executable, bool(sys.exec_prefix))
