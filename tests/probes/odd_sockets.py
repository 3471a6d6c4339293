# K2, K6, K7: socket families with the longest lists of kernel holes, and vsock, which leaves through any network namespace.
# needs: native
families = {"alg": (38, 5, 0), "rxrpc": (33, 2, 2), "xfrm": (16, 3, 6), "route": (16, 3, 0), "packet": (17, 3, 0), "raw": (2, 3, 1), "vsock": (40, 1, 0)}
return {name: syscall("socket", *family) for name, family in families.items()}
