import logging
import logging.handlers
import sys

logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s", stream=sys.stdout)
log = logging.getLogger("app.part")
log.debug("not shown")
log.info("started with %d items", 3)
try:
    {}["missing"]
except KeyError:
    log.exception("failed")
handler = logging.handlers.RotatingFileHandler("app.log", maxBytes=200, backupCount=2)
log.addHandler(handler)
for number in range(10):
    log.warning("line %d of some length", number)
import glob
print(sorted(glob.glob("app.log*")))
logging.getLogger().handlers.clear()
logging.lastResort.setLevel(logging.ERROR)
