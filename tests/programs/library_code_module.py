import code
import codeop

console = code.InteractiveInterpreter({"x": 2})
print(console.runsource("print(x * 3)"), console.runsource("if x:"), codeop.compile_command("1 +", symbol="eval") if False else "")
console.runsource("raise ValueError('typed')")
