# honest: two processes write to one database, with each kind of journal.
import os, sqlite3

def both(mode):
    path = f"{mode}.db"
    with sqlite3.connect(path) as base:
        base.execute(f"pragma journal_mode={mode}")
        base.execute("create table t(x)")
    children = []
    for writer in range(2):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                base = sqlite3.connect(path, timeout=60)
                for row in range(10):
                    with base:
                        base.execute("insert into t values (?)", (10 * writer + row,))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    ended = [os.waitpid(child, 0)[1] for child in children]
    base = sqlite3.connect(path)
    return ended, base.execute("select count(distinct x) from t").fetchone()[0], base.execute("pragma integrity_check").fetchone()[0]

return {mode: both(mode) for mode in ("delete", "wal")}
