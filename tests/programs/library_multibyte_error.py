wert = {"größe": 1}
print("Ünïcödé: 你好")
raise KeyError("größe fehlt: " + "你好") if wert["größe"] else wert
