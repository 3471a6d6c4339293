"""The executor."""

import asyncio
import unittest
from concurrent.futures import CancelledError, as_completed

from harness import LOOP, Real

import remand


class Futures(Real):
    def test_results_and_exceptions(self):
        with remand.RemandExecutor(2) as executor:
            futures = [executor.submit("return 6 // _query", query=n) for n in (1, 2, 0)]
            done = {each.result().value for each in as_completed(futures) if each.exception() is None}
        self.assertEqual(done, {6, 3})
        self.assertIsInstance(futures[2].exception(), remand.CodeRaised)
        self.assertRaises(RuntimeError, executor.submit, "return 1")

    def test_map(self):
        with remand.RemandExecutor(2) as executor:
            self.assertEqual([each.value for each in executor.map("return _items[0]", range(4))], [0, 1, 2, 3])
            self.assertEqual([each.value for each in executor.map("return _query", inputs=[{"query": 1}])], [1])

    def test_cancelling_what_runs_ends_it(self):
        with remand.RemandExecutor(1) as executor:
            running, waiting = executor.submit(LOOP), executor.submit(LOOP)
            while not running.running():
                pass
            self.assertTrue(waiting.cancel())
            self.assertFalse(running.cancel())
            self.assertRaises(remand.RunCancelled, running.result)
            self.assertRaises(CancelledError, waiting.result)
            self.assertFalse(running.cancel())

    def test_shutdown_that_cancels_what_waits(self):
        executor = remand.RemandExecutor(1)
        running, waiting = executor.submit("import time\ntime.sleep(0.3)\nreturn 1"), executor.submit("return 2")
        while not running.running():
            pass
        executor.shutdown(cancel_futures=True)
        self.assertEqual((running.result().value, waiting.cancelled()), (1, True))

    def test_asyncio_drives_it(self):
        async def work():
            with remand.RemandExecutor(1) as executor:
                self.assertEqual((await asyncio.wrap_future(executor.submit("return 1"))).value, 1)
            with remand.RemandExecutor(1, client=self.lasting()) as executor:
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.wrap_future(executor.submit("")), 0.3)

        asyncio.run(work())


if __name__ == "__main__":
    unittest.main()
