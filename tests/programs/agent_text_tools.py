# function
import difflib
import pprint
import shlex
import string
import textwrap
import unicodedata

print(textwrap.fill("A long line of plain words that has to be wrapped somewhere near here.", 30))
print(textwrap.dedent("    a\n      b"), string.Template("$who owes ${n} EUR").substitute(who="Ann", n=5))
print("\n".join(difflib.unified_diff("a b c".split(), "a x c".split(), "old", "new", lineterm="")))
print(pprint.pformat({"key": list(range(30)), "other": {"nested": "x" * 60}}, width=60))
print(shlex.split("cp 'a b' c\\ d"), shlex.quote("it's"), difflib.get_close_matches("appel", ["ape", "apple", "peach"]))
print(unicodedata.name("é"), unicodedata.normalize("NFD", "é") == "e\u0301", "ß".casefold(), "İ".lower().encode())
