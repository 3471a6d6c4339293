# S2: getpid with the x32 bit set in its number.
# needs: native
return syscall(0x40000000 + number("getpid"))
