# F6: chroot again below, climb by .. from outside the new root.
# needs: native
os.makedirs("deeper", exist_ok=True)
answer = syscall("chroot", b"deeper")
for _ in range(32):
    os.chdir("..")
return {"chroot": answer, "pivot_root": syscall("pivot_root", b".", b"."), "same": os.path.samefile(".", "/")}
