# N1, N7: plain sockets and socket pairs, the way to abstract names and to handing over descriptors.
# needs: native
return {"unix": syscall("socket", 1, 1, 0), "inet": syscall("socket", 2, 1, 0), "inet6": syscall("socket", 10, 1, 0), "udp": syscall("socket", 2, 2, 0)}
