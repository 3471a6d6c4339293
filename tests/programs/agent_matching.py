# function
def act(command):
    match command:
        case ["go", ("north" | "south") as way]:
            return f"going {way}"
        case {"x": x, **rest} if x > 0:
            return f"x={x} {rest}"
        case [first, *_, last]:
            return f"{first}..{last}"
        case str(text) | bytes(text):
            return f"text {text!r}"
        case None | True:
            return "constant"
        case _:
            return "unknown"

for command in (["go", "south"], {"x": 3, "y": 1}, [1, 2, 3], "hi", None, 5.0):
    print(act(command))
