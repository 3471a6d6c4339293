import socket
print("now")
try:
    one = socket.socket(socket.AF_INET6 if _query["six"] else socket.AF_INET, socket.SOCK_STREAM)
    one.settimeout(1)
    one.connect((_query["host"], _query["port"]))
except OSError as error:
    return error.errno or 110
return 0
