# errors: vary
import os
import signal
import threading
import unittest

class SignalTest(unittest.TestCase):
    def test_interrupt(self):
        with self.assertRaises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()

    def test_wakeup(self):
        r, w = os.pipe2(os.O_NONBLOCK)
        old = signal.set_wakeup_fd(w)
        before = signal.signal(signal.SIGUSR1, lambda *given: None)
        signal.raise_signal(signal.SIGUSR1)
        self.assertEqual(os.read(r, 10), bytes([signal.SIGUSR1]))
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGUSR1, before)

    def test_waits(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        os.kill(os.getpid(), signal.SIGUSR2)
        self.assertIn(signal.SIGUSR2, signal.sigpending())
        self.assertEqual(signal.sigwait([signal.SIGUSR2]), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGUSR2)
        self.assertEqual(signal.sigtimedwait([signal.SIGUSR2], 5).si_signo, signal.SIGUSR2)
        self.assertIsNone(signal.sigtimedwait([signal.SIGUSR2], 0))

    def test_thread(self):
        seen = []
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(threading.current_thread() is threading.main_thread()))
        thread = threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1))
        thread.start()
        thread.join()
        self.assertEqual(seen, [True])

    def test_timers(self):
        def late(*given):
            raise StopIteration

        signal.signal(signal.SIGVTALRM, late)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)
        with self.assertRaises(StopIteration):
            while True:
                pass
        signal.siginterrupt(signal.SIGUSR1, False)

result = unittest.main(exit=False, verbosity=0).result
print(result.testsRun, result.errors, result.failures)
