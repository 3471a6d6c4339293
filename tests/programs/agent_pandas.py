# needs: numeric
# function
import io
import pandas as pd

frame = pd.read_csv(io.StringIO("day,city,temp\n2024-01-01,Oslo,-3\n2024-01-02,Oslo,-5\n2024-01-01,Rome,11\n"), parse_dates=["day"])
print(frame.groupby("city")["temp"].agg(["mean", "max"]))
print(frame.pivot(index="day", columns="city", values="temp").fillna(0).to_csv())
print(frame[["temp"]].describe().loc["mean"].round(2).to_dict(), str(frame.dtypes["day"]).split("[")[0])
print(frame.to_json(orient="records", date_format="iso"))
