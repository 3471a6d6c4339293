# function
numbers = list(range(1_000_000))
print(sum(numbers), len({n % 1000 for n in numbers}), max(numbers, key=lambda n: -n))
text = "x" * 10_000_000
print(len(text), text.count("x"))
