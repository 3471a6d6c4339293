import ast
import io
import tokenize

with open(__file__) as source:
    tree = ast.parse(source.read())
print([type(node).__name__ for node in tree.body][:3], ast.unparse(tree.body[0]))
with open(__file__, "rb") as source:
    print(sum(token.type == tokenize.NAME for token in tokenize.tokenize(source.readline)))

class Doubler(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.copy_location(ast.Constant(node.value * 2), node)

print(eval(compile(ast.fix_missing_locations(Doubler().visit(ast.parse("21 + 0", mode="eval"))), "<t>", "eval")), ast.literal_eval("{'a': (1, None)}"))
