with open("odd.py", "w") as out:
    out.write("x = (1,\n     2\ny = 3\n")
import odd
