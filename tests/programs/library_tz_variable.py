import os
import time

for name in ("America/New_York", "Asia/Tokyo", "UTC"):
    os.environ["TZ"] = name
    time.tzset()
    print(time.strftime("%H:%M %Z", time.localtime(1700000000)))
