"""The examples of the documents run as they stand there, and what the schemas list is known here."""

import dataclasses
import doctest
import json
import unittest

from harness import ROOT, Real, Tidy

import remand
from remand import events, verdict


class Examples(Real):
    def test_of_the_documents(self):
        for page, least in (("docs/python.md", 20), ("README.md", 2)):
            tests = doctest.DocTestParser().get_doctest((ROOT / page).read_text(), {}, page, page, 0)
            self.assertGreaterEqual(len(tests.examples), least)
            self.go(tests)

    def test_of_the_package(self):
        self.go(doctest.DocTestParser().get_doctest(remand.__doc__, {}, "remand", None, 0))

    def go(self, tests):
        said = []
        failed, _ = doctest.DocTestRunner(verbose=False).run(tests, out=said.append)
        self.assertEqual(failed, 0, "".join(said))


class Names(Tidy):
    def test_all_that_is_told_is_there_and_nothing_else(self):
        told = {name for name in vars(remand) if name[0].isupper() and getattr(vars(remand)[name], "__module__", "").startswith("remand")}
        self.assertEqual(told - set(remand.__all__), set())
        for name in remand.__all__:
            self.assertTrue(getattr(remand, name), name)
        self.assertRaises(AttributeError, lambda: remand.nothing)


class Schemas(Tidy):
    def test_requests(self):
        known = set(remand.RequestFields.__annotations__) | {"code", "version", "await", "for"}
        self.assertEqual(known - {"await_", "for_"}, set(self.schema("request")["properties"]))

    def test_events(self):
        kinds = {each["properties"]["event"]["const"] for each in self.schema("event")["oneOf"]}
        self.assertEqual({*events._EVENTS, "outcome", "problem"}, kinds)

    def test_outcomes(self):
        schema = self.schema("outcome")
        self.assertEqual(self.fields(remand.Outcome), set(schema["properties"]))
        kinds = {each["properties"]["kind"]["const"]: each["properties"] for each in schema["$defs"]["Verdict"]["oneOf"]}
        fields = {kind: self.fields(each) | {"kind"} for kind, each in verdict._KINDS.items()}
        self.assertEqual(fields, {kind: set(properties) for kind, properties in kinds.items()})

    def fields(self, record):
        return {each.name for each in dataclasses.fields(record)} - {"raw"}

    def schema(self, name):
        return json.loads((ROOT / "docs" / "reference" / f"{name}.schema.json").read_text())


if __name__ == "__main__":
    unittest.main()
