# function
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

at = datetime(2024, 3, 10, 12, 0, tzinfo=timezone.utc)
for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"):
    print(name, at.astimezone(ZoneInfo(name)).isoformat())
print((datetime(2024, 3, 1) - timedelta(days=1)).strftime("%A %d %B %Y, week %V"))
print(datetime.fromisoformat("2024-02-29T23:59:59+02:00").astimezone(timezone.utc))
