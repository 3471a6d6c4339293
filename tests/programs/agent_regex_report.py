# function
import re

log = """2024-03-01 10:00:01 ERROR disk full on /dev/sda1
2024-03-01 10:00:07 INFO  retry 3 of 5
2024-03-02 11:30:00 ERROR timeout after 30s"""
pattern = re.compile(r"^(?P<day>\S+) (?P<time>\S+) (?P<level>\w+)\s+(?P<rest>.*)$", re.M)
for match in pattern.finditer(log):
    if match["level"] == "ERROR":
        print(match["day"], match["rest"], match.span("rest"))
print(re.sub(r"(\d+)s", lambda found: str(int(found[1]) * 1000) + "ms", "30s and 2s"))
print(re.split(r"[;,]\s*", "a, b;c;  d"), re.findall(r"(?<!\w)\w(?=\w\w\b)", "cat dog horse"))
