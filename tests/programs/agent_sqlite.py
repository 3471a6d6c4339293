# function
import os
import sqlite3
import tempfile

path = os.path.join(tempfile.mkdtemp(), "shop.db")
db = sqlite3.connect(path)
db.execute("create table sale(id integer primary key, item text, price real)")
with db:
    db.executemany("insert into sale(item, price) values (?, ?)", [("tea", 2.5), ("bread", 3.0), ("tea", 2.75)])
for row in db.execute("select item, count(*), avg(price) from sale group by item order by item"):
    print(row)
try:
    with db:
        db.execute("insert into sale values (1, 'x', 1)")
except sqlite3.IntegrityError as error:
    print(error)
db.row_factory = sqlite3.Row
print(dict(db.execute("select * from sale where id = 2").fetchone()), db.total_changes)
db.close()
os.unlink(path)
