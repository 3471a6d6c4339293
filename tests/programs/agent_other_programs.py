# differs: the root holds the interpreter and no other program
import shutil
import subprocess

print(shutil.which("ls") is None)
try:
    subprocess.run(["ls", "/"], check=True, stdout=subprocess.DEVNULL)
    print("listed")
except FileNotFoundError as error:
    print(error.filename, error.strerror)
print(subprocess.run("echo from a shell", shell=True, capture_output=True).stdout if shutil.which("sh") else "no shell")
