# function
import base64
import binascii
import hashlib
import hmac
import secrets
import uuid

print(hashlib.sha256(b"abc").hexdigest()[:16], hashlib.md5(b"").hexdigest(), hashlib.blake2b(b"x", digest_size=8).hexdigest())
print(hmac.new(b"key", b"text", "sha1").hexdigest(), hmac.compare_digest(b"a", b"a"))
print(base64.b64encode(b"any carnal pleas"), base64.urlsafe_b64decode("_-8="), binascii.hexlify(b"\x00\xff"))
print(len(secrets.token_hex(8)), uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"), uuid.uuid4().version)
print(hashlib.pbkdf2_hmac("sha256", b"pw", b"salt", 1000).hex()[:20], hashlib.scrypt(b"pw", salt=b"s", n=16, r=1, p=1).hex()[:12])
