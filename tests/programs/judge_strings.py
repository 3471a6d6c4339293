text = input()
table, k = [0] * len(text), 0
for i in range(1, len(text)):
    while k and text[i] != text[k]:
        k = table[k - 1]
    k += text[i] == text[k]
    table[i] = k
print(table[-1], text.translate(str.maketrans("abc", "bca")), sorted(set(text)), hash("") == hash(""))
