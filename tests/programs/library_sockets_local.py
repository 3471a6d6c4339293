import array
import os
import socket
import tempfile

one, two = socket.socketpair()
one.sendall(b"across")
print(two.recv(100), one.getpeername() == "", one.family.name)
with open("passed", "w+") as file:
    file.write("by descriptor")
    file.flush()
    one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
_, (control,), _, _ = two.recvmsg(1, socket.CMSG_SPACE(4))
fd = array.array("i", control[2])[0]
os.lseek(fd, 0, 0)
print(os.read(fd, 100))
path = os.path.join(tempfile.mkdtemp(), "s")
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(1)
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
client.connect(path)
held, _ = server.accept()
client.shutdown(socket.SHUT_WR)
print(held.recv(1), held.getsockname() == path, server.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))
held.settimeout(0.01)
one.setblocking(False)
try:
    one.recv(1)
except BlockingIOError:
    print("would block")
for made in (one, two, server, client, held):
    made.close()
