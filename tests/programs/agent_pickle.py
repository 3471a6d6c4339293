import copy
import pickle

class Account:
    def __init__(self, owner):
        self.owner, self.history = owner, []

    def __eq__(self, other):
        return self.__dict__ == other.__dict__

    def __reduce__(self):
        return Account, (self.owner,), {"history": self.history}

    class Inner:
        pass

one = Account("ann")
one.history.append(5)
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    assert pickle.loads(pickle.dumps(one, protocol)) == one
print(copy.deepcopy(one) == one, pickle.loads(pickle.dumps(Account.Inner)).__qualname__, Account.__module__)
try:
    pickle.dumps(lambda: 0)
except (pickle.PicklingError, AttributeError) as error:
    print(type(error).__name__)
