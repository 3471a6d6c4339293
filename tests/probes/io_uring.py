# S6: a ring whose kernel thread would open and connect without passing the filter.
# needs: native
return [syscall("io_uring_setup", 0, 0), syscall("io_uring_enter", -1, 0, 0, 0, 0, 0), syscall("io_uring_register", -1, 0, 0, 0)]
