import io
import pydoc

def documented(a, b=1):
    """Says what it does."""

print(pydoc.render_doc(documented, renderer=pydoc.plaintext))
help(documented)
print(pydoc.locate("collections.OrderedDict").__name__)
