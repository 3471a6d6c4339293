import sys

try:
    print(len(str(10**5000)))
except ValueError as error:
    print(str(error)[:40])
print(getattr(sys, "get_int_max_str_digits", lambda: None)())
