# function
value, name, width = 1234567.891, "é", 12
print(f"{value:,.2f}|{value:e}|{value:>{width}.1f}|{name!a}|{name=}|{42:#010x}|{0.256:.1%}|{7:+d}")
print("%-5s|%05.1f|%x|%r" % ("ab", 3.14159, 255, "q"), "{0[a]} {1.real}".format({"a": 1}, 3))
print(f"{'nested ' + f'{1 + 1}'}", "a" "b", r"\n", b"\x41", "tab\tnew", sep="\n")
