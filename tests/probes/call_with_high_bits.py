# S3: denied calls with their 32-bit arguments changed by 2^32, where a filter that compares 64 bits looks at another value than the kernel.
# needs: native
high = [0, 1 << 32, 0xFFFFFFFF << 32, 1 << 63]
return {
    "socket": [syscall("socket", 16 | bits, 3, 0) for bits in high],
    "personality": [syscall("personality", 0x0040000 | bits) for bits in high],
    "tiocsti": [syscall("ioctl", 0, 0x5412 | bits, b"x") for bits in high],
}
