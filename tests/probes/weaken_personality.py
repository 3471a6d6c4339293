# S13: READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE, to weaken what the next program is protected by.
# needs: native
return [syscall("personality", 0x0400000), syscall("personality", 0x0040000)]
