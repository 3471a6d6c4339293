# function
import time
from datetime import datetime

print(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(0)))
print(datetime.strptime("31/12/99", "%d/%m/%y").date(), time.strptime("Mon", "%a").tm_wday)
print(datetime.utcfromtimestamp(86400).isoformat() if hasattr(datetime, "utcfromtimestamp") else "")
