from pathlib import Path

here = Path("data")
here.mkdir()
(here / "a.txt").write_text("first\nsecond\n", encoding="utf-8")
(here / "sub").mkdir()
(here / "sub" / "b.bin").write_bytes(bytes(range(8)))
print(sorted(str(path) for path in here.rglob("*")))
with open("data/a.txt") as lines:
    for number, line in enumerate(lines, 1):
        print(number, line.rstrip())
print((here / "sub/b.bin").stat().st_size, (here / "none").exists(), Path("x/../y").as_posix(), Path("a.tar.gz").suffixes)
(here / "a.txt").rename(here / "c.txt")
(here / "c.txt").unlink()
print([path.name for path in here.iterdir()])
