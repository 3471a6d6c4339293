from math import acos, degrees, hypot

x1, y1, x2, y2 = map(float, input().split())
print("%.9f" % hypot(x2 - x1, y2 - y1), round(2.5), round(-0.5), 0.1 + 0.2, 1e16 + 1, 7 // -2, -7 % 3, degrees(acos(-1)))
print(float("inf") > 10**400, 10**22 / 3, int(1e22), complex(1, 2) ** 2)
