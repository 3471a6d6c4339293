# function
from unittest import mock

class Client:
    def get(self, path):
        raise OSError("no network")

with mock.patch.object(Client, "get", return_value={"ok": True}) as get:
    print(Client().get("/x"), get.call_args)
with mock.patch("time.sleep") as sleep:
    import time
    time.sleep(100)
    print(sleep.call_count)
with mock.patch.dict("os.environ", {"KEY": "secret"}):
    import os
    print(os.environ["KEY"])
print("KEY" in os.environ, mock.MagicMock(spec=Client).get is not None)
