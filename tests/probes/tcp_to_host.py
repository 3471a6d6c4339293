# N3: connect to a service of the host by the loopback address.
import errno, socket
try:
    socket.create_connection(("127.0.0.1", _query), timeout=5).close()
    return "ok"
except OSError as error:
    return errno.errorcode[error.errno]
