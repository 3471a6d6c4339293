# N9: System V shared memory, semaphores, message queues and a POSIX queue by keys that the host uses.
# needs: native
key, name = _query["key"], _query["name"].encode()
return {"shm": syscall("shmget", key, 0, 0), "sem": syscall("semget", key, 0, 0), "msg": syscall("msgget", key, 0), "mq": syscall("mq_open", name, 0, 0, 0)}
