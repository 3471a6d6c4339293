import string
import datetime as dt
import json

class Shouting(string.Formatter):
    def format_field(self, value, spec):
        return super().format_field(value, "" if spec == "!" else spec).upper() if spec == "!" else super().format_field(value, spec)

print(Shouting().format("{a:!} {b:>4}", a="x", b=1), f"{dt.date(2024, 1, 2):%d.%m.%y}")

class Encoder(json.JSONEncoder):
    def default(self, value):
        return value.isoformat() if isinstance(value, dt.date) else super().default(value)

print(json.dumps({"at": dt.datetime(2024, 5, 6, 7, 8, 9, 10), "s": (1, 2)}, cls=Encoder, separators=(",", ":")))
print(json.loads("[1.0, 1e5, -0]", parse_float=str, object_hook=dict), json.dumps("\x7f\u2028"), json.loads('"\\ud83d\\ude00"'))
