# function
namespace = {"base": 10}
exec("def twice(n):\n    return 2 * n + base", namespace)
print(namespace["twice"](4), eval("a + b", {"a": 1}, {"b": 2}))
code = compile("[n for n in range(3)]", "<made>", "eval")
print(eval(code), code.co_filename)
try:
    exec("1 +")
except SyntaxError as error:
    print(error.msg, error.lineno)
print(eval("__import__('math').sqrt(16)"), list(map(eval, ["1", "'x'"])), type("Made", (), {"n": 3})().n)
