# 9.13: asks whether a shared file is in the page cache, and throws it out.
import errno, os

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

fd = os.open(os.__file__, os.O_RDONLY)
os.read(fd, 1)
return {
    "plain": said(os.preadv, fd, [bytearray(1)], 0),
    "nowait": said(os.preadv, fd, [bytearray(1)], 0, os.RWF_NOWAIT),
    "willneed": said(os.posix_fadvise, fd, 0, 0, os.POSIX_FADV_WILLNEED),
    "dontneed": said(os.posix_fadvise, fd, 0, 0, os.POSIX_FADV_DONTNEED),
}
