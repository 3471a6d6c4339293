# N9: makes on the host what shared_ipc looks for.
# needs: native
key, name = _query["key"], _query["name"].encode()
shm, sem, msg = raw("shmget", key, 4096, 0o1666)[0], raw("semget", key, 1, 0o1666)[0], raw("msgget", key, 0o1666)[0]
return {"shm": shm, "sem": sem, "msg": msg, "mq": raw("mq_open", name, 0o102, 0o666, 0)[0] >= 0}
