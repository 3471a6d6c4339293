# errors: vary
import os
import subprocess
import sys
import unittest

PYTHON = [sys.executable, "-c"]

class SubprocessTest(unittest.TestCase):
    def test_environment(self):
        out = subprocess.check_output([*PYTHON, "import os; print(os.environ['KEY'], len(os.environ) < 4)"], env={"KEY": "v"})
        self.assertEqual(out, b"v True\n")

    def test_directory(self):
        os.mkdir("sub")
        out = subprocess.check_output([*PYTHON, "import os; print(os.path.basename(os.getcwd()))"], cwd="sub")
        self.assertEqual(out, b"sub\n")

    def test_descriptors(self):
        r, w = os.pipe()
        os.set_inheritable(w, True)
        subprocess.check_call([*PYTHON, f"import os; os.write({w}, b'passed')"], pass_fds=[w])
        self.assertEqual(os.read(r, 100), b"passed")
        self.assertNotEqual(subprocess.call([*PYTHON, f"import os; os.write({w}, b'x')"], stderr=subprocess.DEVNULL), 0)

    def test_kill(self):
        child = subprocess.Popen([*PYTHON, "import time; time.sleep(60)"])
        child.kill()
        self.assertEqual(child.wait(), -9)

    def test_session(self):
        out = subprocess.check_output([*PYTHON, "import os; print(os.getsid(0) == os.getpid())"], start_new_session=True)
        self.assertEqual(out, b"True\n")

    def test_preexec(self):
        out = subprocess.check_output([*PYTHON, "import os; print(oct(os.umask(0)))"], preexec_fn=lambda: os.umask(0o77))
        self.assertEqual(out, b"0o77\n")

    def test_missing(self):
        with self.assertRaises(FileNotFoundError) as caught:
            subprocess.run(["/no/such/program"])
        self.assertEqual(caught.exception.filename, "/no/such/program")
        with self.assertRaises(NotADirectoryError):
            subprocess.run(PYTHON + ["pass"], cwd="/dev/null")

    def test_merged(self):
        done = subprocess.run([*PYTHON, "import sys; print('o', flush=True); print('e', file=sys.stderr)"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.stdout, b"o\ne\n")

result = unittest.main(exit=False, verbosity=0).result
print(result.testsRun, result.errors, result.failures)
