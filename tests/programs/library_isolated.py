# differs: the interpreter is started isolated, so that nothing beside it decides what runs, and writes no bytecode that nobody would read
import sys

print(sys.flags.isolated, sys.flags.ignore_environment, sys.flags.no_user_site, sys.dont_write_bytecode)
