import sys

total: int = 0
names: "list[str]" = []
late: float
if sys.version_info < (3, 14):
    print(sorted(__annotations__.items(), key=str))
else:
    import annotationlib
    print(sorted(annotationlib.get_annotations(sys.modules["__main__"]).items(), key=str))
print("late" in globals(), __name__, __doc__, __spec__, __package__)
