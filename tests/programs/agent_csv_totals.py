# function
import csv
import io

table = "region,units,price\nnorth,3,2.50\nsouth,1,10.00\nnorth,2,4.25\n"
totals = {}
for row in csv.DictReader(io.StringIO(table)):
    totals[row["region"]] = totals.get(row["region"], 0) + int(row["units"]) * float(row["price"])
for region, total in sorted(totals.items()):
    print(f"{region:>8}: {total:8.2f}")
out = io.StringIO()
writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
writer.writerow(["a b", 1, 'say "hi"'])
print(out.getvalue().strip())
