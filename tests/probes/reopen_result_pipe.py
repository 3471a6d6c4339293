# F13: open the write-only result pipe again for reading, by /proc/self/fd.
# needs: native
target = 4
if _query:
    held, target = os.pipe()
return {mode: opened(f"/proc/self/fd/{target}", flags | os.O_NONBLOCK) for mode, flags in {"read": os.O_RDONLY, "both": os.O_RDWR}.items()}
