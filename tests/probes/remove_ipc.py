# N9: removes what make_ipc made.
# needs: native
made, name = _query["made"], _query["name"].encode()
_libc.shmctl(made["shm"], 0, 0)
_libc.semctl(made["sem"], 0, 0)
_libc.msgctl(made["msg"], 0, 0)
if made["mq"]:
    raw((241, 181)[_COLUMN], name)
return True
