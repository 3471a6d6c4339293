import datetime as dt
import zoneinfo

berlin = zoneinfo.ZoneInfo("Europe/Berlin")
for month in (1, 7):
    print(dt.datetime(2024, month, 1, tzinfo=berlin).utcoffset(), dt.datetime(2024, month, 1, tzinfo=berlin).tzname())
print(dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=berlin).utcoffset(), len(zoneinfo.available_timezones()) > 300)
try:
    zoneinfo.ZoneInfo("Mars/Olympus")
except zoneinfo.ZoneInfoNotFoundError as error:
    print("unknown")
