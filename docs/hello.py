# Try it:  cargo run --release -- run docs/hello.py
print("hello from inside the sandbox")
return {"sum": sum(range(10)), "items": len(_items)}
