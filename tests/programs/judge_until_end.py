while True:
    try:
        line = input()
    except EOFError:
        break
    print(len(line.split()), line[::-1])
