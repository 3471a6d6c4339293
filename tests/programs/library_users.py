# differs: the run has a user and a group of its own, and no other
import grp
import os
import pwd

print([entry.pw_name for entry in pwd.getpwall()][:1] == ["root"], len(grp.getgrall()) > 3)
print(pwd.getpwuid(os.getuid()).pw_dir, grp.getgrgid(os.getgid()).gr_name, os.getgroups())
