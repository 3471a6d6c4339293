import sys
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
n = int(input())
value = pow(7, n)
print(value % (10**9 + 7), len(str(value)), pow(3, 10**18, 998244353), pow(3, -1, 998244353))
print(str(2**10000)[:20], int("9" * 5000) % 97)
