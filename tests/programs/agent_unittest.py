# errors: vary
import unittest

class Sums(unittest.TestCase):
    def setUp(self):
        self.numbers = [1, 2, 3]

    def test_sum(self):
        self.assertEqual(sum(self.numbers), 6)

    def test_each(self):
        for n in self.numbers:
            with self.subTest(n=n):
                self.assertLess(n, 3)

    @unittest.skip("later")
    def test_skipped(self):
        pass

class Waits(unittest.IsolatedAsyncioTestCase):
    async def test_async(self):
        self.assertTrue(True)

program = unittest.main(exit=False, verbosity=0)
print(program.result.testsRun, len(program.result.failures), len(program.result.skipped))
unittest.main()
