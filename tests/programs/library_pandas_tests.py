# needs: numeric
import pandas as pd
import pandas.testing as tm

one = pd.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]})
tm.assert_frame_equal(one.merge(pd.DataFrame({"k": ["a"], "w": [9]})), pd.DataFrame({"k": ["a", "a"], "v": [1, 3], "w": [9, 9]}))
print(pd.Series([1, None, 3]).interpolate().tolist(), pd.date_range("2024-01-30", periods=3, freq="D").strftime("%d").tolist())
one.to_csv("out.csv", index=False)
one.to_pickle("out.pkl")
tm.assert_frame_equal(pd.read_csv("out.csv"), pd.read_pickle("out.pkl"))
print(one.pivot_table(index="k", values="v", aggfunc="sum"), one.v.rolling(2).mean().tolist(), pd.cut([1, 5], [0, 2, 6]).codes.tolist())
print(pd.Timestamp("2024-03-10 12:00", tz="UTC").tz_convert("America/New_York"), pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Berlin")[0])
