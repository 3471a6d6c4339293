# function
import platform
import sys
import sysconfig

print(platform.system(), platform.python_implementation(), platform.python_version() == sys.version.split()[0], platform.machine())
print(sys.platform, sys.maxsize > 2**32, sys.implementation.name, sysconfig.get_python_version(), sys.flags.optimize, sys.flags.utf8_mode)
print(sys.float_info.max, sys.int_info.bits_per_digit, sys.hash_info.width, sys.api_version)
