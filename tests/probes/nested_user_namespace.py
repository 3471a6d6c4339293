# K1, P2: a user namespace inside the run, by unshare and by clone: it would bring capabilities and a fresh process count.
# needs: native
result, refusal = raw("clone", 0x10000000 | 17, 0, 0, 0, 0)
if result == 0:
    os._exit(0)
if refusal is None:
    os.waitpid(result, 0)
return {"clone": refusal or "ok", "unshare": syscall("unshare", 0x10000000)}
