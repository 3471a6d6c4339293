# differs: no network; a socket of another kind than Unix is refused
import socket
import urllib.request

try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    print(type(error).__name__)
try:
    urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)
except OSError as error:
    print(type(error).__name__, type(error.reason).__name__)
