import os
import random
import secrets

print(len(os.urandom(16)), os.urandom(8) != os.urandom(8), len(open("/dev/urandom", "rb").read(4)), len(os.getrandom(3)))
print(random.SystemRandom().random() < 1, secrets.choice([5]), random.random() != random.random())
