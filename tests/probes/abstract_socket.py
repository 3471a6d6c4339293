# N1: connect to an abstract socket of the host by its name.
import errno, socket
with socket.socket(socket.AF_UNIX) as end:
    try:
        end.connect("\0" + _query)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
