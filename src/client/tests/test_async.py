"""The client for asyncio."""

import asyncio
import unittest

from harness import LOOP, Real, gone

import remand


class Async(Real):
    def go(self, work):
        return asyncio.run(work(remand.AsyncClient()))

    def go_lasting(self, work):
        """With a client whose runs last until they are cancelled."""
        client = remand.AsyncClient()
        client._client = self.lasting()
        asyncio.run(work(client))

    def test_runs_side_by_side(self):
        async def work(client):
            return await asyncio.gather(*(client.run("return _query", query=n) for n in range(3)))

        self.assertEqual([each.value for each in self.go(work)], [0, 1, 2])

    def test_exceptions(self):
        async def work(client):
            with self.assertRaises(remand.CodeRaised):
                await client.run("1 / 0")
            with self.assertRaises(remand.RunTimeout):
                await client.run(LOOP, timeout=0.2)
            return await client.run("1 / 0", check=False)

        self.assertIsInstance(self.go(work).verdict, remand.Raised)

    def test_cancelling_a_task_ends_its_run_before_it_says_so(self):
        async def work(client):
            calls, make = [], client._client.call
            client._client.call = lambda *given: calls.append(make(*given)) or calls[-1]
            task = asyncio.ensure_future(client.run(""))
            while not calls or calls[0].number is None:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()  # who waits no longer is not rid of it
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertTrue(gone(calls[0].number))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.run(""), 0.2)
            self.assertTrue(gone(calls[1].number))

        self.go_lasting(work)

    def test_streams(self):
        async def work(client):
            async with client.stream("print(1)\nreturn 2") as events:
                said = [type(each) async for each in events]
            self.assertEqual(said, [remand.Start, remand.Print, remand.Outcome])
            self.assertEqual(events.outcome.value, 2)
            with self.assertRaises(remand.CodeRaised):
                async for each in client.stream("1 / 0"):
                    pass
            with self.assertRaises(remand.RequestError):
                async for each in client.stream("1 / 0", policy="nope"):
                    pass

        self.go(work)

    def test_closing_a_stream_ends_its_run(self):
        async def work(client):
            async with client.stream("") as events:
                self.assertIsInstance(await events.__anext__(), remand.Start)
                pid = events._stream._call.number
            self.assertTrue(gone(pid))
            with self.assertRaises(asyncio.TimeoutError):
                async with client.stream("") as events:
                    await events.__anext__()
                    pid = events._stream._call.number
                    await asyncio.wait_for(events.__anext__(), 0.2)
            self.assertTrue(gone(pid))
            async with client.stream(""):
                pass  # never begun
            async with client.stream("", check=False) as events:
                events.cancel()
                async for each in events:
                    pass
            self.assertIsInstance(events.outcome.verdict, remand.Cancelled)

        self.go_lasting(work)

    def test_maps(self):
        async def work(client):
            values = [each.value async for each in client.map("return _items[0]", items=range(4), concurrency=2)]
            self.assertEqual(values, [0, 1, 2, 3])

        self.go(work)

    def test_an_exception_in_a_map_ends_the_others(self):
        async def work(client):
            with self.assertRaises(remand.CodeRaised):
                async for each in client.map("raised", items=range(3), concurrency=3):
                    pass

        self.go_lasting(work)


if __name__ == "__main__":
    unittest.main()
