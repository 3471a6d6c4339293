# K5, K2: keyrings, which no namespace separates.
# needs: native
return {
    "add_key": syscall("add_key", b"user", b"remand-probe", b"x", 1, -2),
    "request_key": syscall("request_key", b"user", b"remand-probe", 0, 0),
    "keyctl": syscall("keyctl", 0, -3, 0),
}
