# honest: holds a database on a word, or asks for it while somebody else may hold it.
import os, sqlite3, time
os.chdir(_query["in"])

def asked():
    try:
        with sqlite3.connect("base.db", timeout=0) as base:
            base.execute("insert into t values (1)")
        return "ok"
    except sqlite3.OperationalError as error:
        return str(error)

if _query["do"] == "ask":
    return asked()
base = sqlite3.connect("base.db", isolation_level=None)
base.execute("pragma journal_mode=" + _query["journal"])
base.execute("create table if not exists t(x)")
base.execute("begin exclusive")
base.execute("insert into t values (2)")
open("held", "w").close()
while not os.path.exists("go"):
    time.sleep(0.005)
base.execute("commit")
return base.execute("pragma integrity_check").fetchone()[0]
