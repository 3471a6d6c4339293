import os
import selectors
import socket

for kind in (selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector):
    one, two = socket.socketpair()
    with kind() as selector:
        selector.register(one, selectors.EVENT_READ, "data")
        print(selector.select(0))
        two.send(b"!")
        print([(key.data, mask) for key, mask in selector.select(5)])
    one.close()
    two.close()
if hasattr(os, "eventfd"):
    fd = os.eventfd(3)
    print(os.eventfd_read(fd))
