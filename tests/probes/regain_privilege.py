# P13: execute a set-user-id file of root.
import os, subprocess
with open("/proc/self/status") as status:
    flag = [line.split()[1] for line in status if line.startswith("NoNewPrivs")]
answer = subprocess.run([_query, "-c", "import os; print(os.geteuid() == os.getuid())"], stdout=subprocess.PIPE).stdout.decode().strip()
return {"no_new_privs": flag, "unchanged": answer}
