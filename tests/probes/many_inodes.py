# R5: files without content, and directories inside each other.
import os
for index in range(_query):
    if index % 2:
        os.mkdir("deep")
        os.chdir("deep")
    else:
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY))
return _query
