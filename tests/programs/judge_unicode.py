name = input()
print(f"Olá, {name}!", len(name), name.upper(), name.encode())
