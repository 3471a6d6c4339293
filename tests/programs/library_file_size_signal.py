import resource
import signal

print(signal.getsignal(signal.SIGXFSZ))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
with open("big", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 600)
    except OSError as error:
        print(error.errno, file.tell())
