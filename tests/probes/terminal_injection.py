# P15: type into the terminal of whoever started the run.
# needs: native
return {"tiocsti": syscall("ioctl", 0, 0x5412, b"x"), "tioclinux": syscall("ioctl", 0, 0x541C, b"\x02"), "tty": opened("/dev/tty", os.O_RDWR)}
