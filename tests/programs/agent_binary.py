# function
import array
import struct
import sys

packed = struct.pack("<IhQ3s", 7, -2, 1 << 40, b"ab")
print(packed.hex(), struct.unpack("<IhQ3s", packed), struct.calcsize("@qi"))
numbers = array.array("d", [1.5, 2.5])
view = memoryview(numbers).cast("B")
print(len(view), numbers.tobytes()[:8] == bytes(view[:8]), sys.byteorder)
data = bytearray(b"hello")
data[1:3] = b"EY"
print(data, int.from_bytes(data, "big") % 97, (1000).to_bytes(2, "little"), bytes.fromhex("00 ff"))
